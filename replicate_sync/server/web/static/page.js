// Keeps pages up to date, and runs models without leaving theirs. Everything works without it.
"use strict";

const find = (id) => document.getElementById(id);

function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim(); // rendered by the server, which escapes what models wrote
  return template.content.firstElementChild;
}

// What is being pressed, and what is to replace the elements around it when it has been released.
let pressed = null;
const held = new Map();
addEventListener("pointerdown", (event) => { pressed = event.target; });
for (const name of ["pointerup", "pointercancel"]) {
  addEventListener(name, () => setTimeout(() => { // after the click
    pressed = null;
    const changes = [...held];
    held.clear();
    for (const [id, html] of changes) if (find(id)) replace(find(id), html);
  }));
}

function replace(old, html) {
  if (pressed && old.contains(pressed)) {
    held.set(old.id, html);
    return;
  }
  const fresh = element(html);
  // What a person has opened stays open, and the focus stays where it is.
  const opened = [...old.querySelectorAll("details")].map((one) => one.open);
  fresh.querySelectorAll("details").forEach((one, i) => { if (i in opened) one.open = opened[i]; });
  if (old.matches("details") && old.dataset.touched) {
    fresh.open = old.open;
    fresh.dataset.touched = "yes";
  }
  const inside = old.contains(document.activeElement);
  const pre = old.querySelector("pre[role=log]");
  const atEnd = pre && pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 8;
  old.replaceWith(fresh);
  const newPre = fresh.querySelector("pre[role=log]");
  if (newPre && atEnd) newPre.scrollTop = newPre.scrollHeight;
  if (inside) {
    const target = fresh.querySelector("a, button, summary, [tabindex]");
    if (target) target.focus({ preventScroll: true });
  }
}

const handlers = {
  upsert(data) {
    const old = find(data.id);
    if (old) {
      if (old.dataset.version !== data.version) replace(old, data.html);
      return;
    }
    const list = find(data.list);
    list.prepend(element(data.html));
    while (list.children.length > 100) list.lastElementChild.remove();
  },
  replace(data) {
    const old = find(data.id);
    if (old && old.outerHTML !== data.html.trim()) replace(old, data.html);
  },
  append(data) {
    const target = find(data.id);
    if (!target || Number(target.dataset.count) !== data.at) return;
    target.append(data.text);
    target.dataset.count = data.count;
  },
};

// A browser has six connections to a server at most, so a tab that nobody sees keeps none.
function listen(part) {
  if (part.hasAttribute("data-over")) return null;
  const over = new AbortController();
  let source = null;
  let later = 0;
  const close = () => {
    clearTimeout(later);
    if (source) source.close();
    source = null;
  };
  const open = () => {
    close();
    if (document.hidden || over.signal.aborted) return;
    source = new EventSource(liveUrl(part));
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
    source.addEventListener("end", () => over.abort());
    source.addEventListener("error", () => { close(); later = setTimeout(open, 2000); });
  };
  over.signal.addEventListener("abort", close);
  document.addEventListener("visibilitychange", open, { signal: over.signal });
  addEventListener("pagehide", close, { signal: over.signal });
  open();
  return over;
}

function liveUrl(part) {
  const url = new URL(part.dataset.live, location.href);
  const text = part.querySelector("[data-count]");
  if (text) url.searchParams.set("pieces", text.dataset.count); // it goes on after what is shown
  return url;
}

// The models' list

function filterCards(input) {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const card of document.querySelectorAll("[data-filter]")) {
    const text = card.dataset.filter.toLowerCase();
    card.hidden = !words.every((word) => text.includes(word));
  }
}

// A model's form

function showProblems(form, problems) {
  for (const old of form.querySelectorAll(".wrong")) old.remove();
  for (const field of form.querySelectorAll(".invalid")) field.classList.remove("invalid");
  const general = [];
  let first = null;
  for (const { field, description } of problems) {
    const name = field.replace(/^input\.?/, "").split(".")[0];
    const box = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (!box) { general.push(`${name || "Input"}: ${description}`); continue; }
    box.classList.add("invalid");
    const note = document.createElement("span");
    note.className = "wrong";
    note.textContent = description;
    box.querySelector(".about").append(note);
    first = first || box.querySelector("input, select, textarea");
  }
  find("problems").replaceChildren(...general.map((text) => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  }));
  if (first) first.focus();
}

let current = null;

async function run(form) {
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  try {
    const response = await fetch(form.action, {
      method: "POST", body: new FormData(form), headers: { Accept: "application/json" },
    });
    const body = await response.json();
    if (!response.ok) {
      showProblems(form, body.problems || [{ field: "", description: body.detail }]);
      return;
    }
    showProblems(form, []);
    const panel = element(body.html);
    const result = find("result");
    result.replaceChildren(panel);
    if (current) current.abort();
    current = listen(panel);
    const box = result.getBoundingClientRect();
    if (box.top < 0 || box.top > innerHeight - 120) {
      const quiet = matchMedia("(prefers-reduced-motion: reduce)").matches;
      result.scrollIntoView({ behavior: quiet ? "auto" : "smooth", block: "start" });
    }
  } catch {
    showProblems(form, [{ field: "", description: "The server does not respond. Is it still running?" }]);
  } finally {
    button.disabled = false;
  }
}

let pending = 0;

function updateCode(form) {
  clearTimeout(pending);
  pending = setTimeout(async () => {
    const data = new FormData();
    for (const [name, value] of new FormData(form)) {
      data.append(name, value instanceof File ? new File([], value.name) : value);
    }
    const response = await fetch(form.dataset.code, { method: "POST", body: data });
    if (!response.ok) return;
    const code = await response.json();
    find("python").textContent = code.python;
    find("curl").textContent = code.curl;
  }, 250);
}

function prepareDrop(drop) {
  const input = find(drop.dataset.drop);
  const chosen = drop.querySelector(".chosen");
  const show = () => {
    chosen.replaceChildren(...[...input.files].map((file) => {
      const line = document.createElement("span");
      line.textContent = `${file.name} (${Math.ceil(file.size / 1000).toLocaleString()} kB)`;
      return line;
    }));
  };
  input.addEventListener("change", show);
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function prepareForm(form) {
  form.addEventListener("submit", (event) => { event.preventDefault(); run(form); });
  form.addEventListener("input", () => updateCode(form));
  form.addEventListener("change", () => updateCode(form));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  for (const range of form.querySelectorAll("[data-sync]")) {
    const number = find(range.dataset.sync);
    range.addEventListener("input", () => { number.value = range.value; });
    number.addEventListener("input", () => { if (number.value !== "") range.value = number.value; });
  }
  form.querySelectorAll("[data-drop]").forEach(prepareDrop);
  updateCode(form);
}

// Everywhere

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(find(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }
  const summary = event.target.closest("summary");
  if (summary) summary.parentElement.dataset.touched = "yes";
});

document.addEventListener("submit", (event) => {
  if (!event.target.hasAttribute("data-quiet")) return;
  event.preventDefault(); // the page itself shows what comes of it
  fetch(event.target.action, { method: "POST", redirect: "manual" });
});

document.querySelectorAll("[data-live]").forEach(listen);
if (find("filter")) find("filter").addEventListener("input", (event) => filterCards(event.target));
if (find("run")) prepareForm(find("run"));
