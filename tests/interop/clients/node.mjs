// What a program does with the official client replicate@1.4.0: it is given an API, and tells whether all went well.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import Replicate, { validateWebhook } from "replicate";

const PIECES = ["Once", " upon", "\n", "", "a\nb", " \u2603"];
const COMMUNITY = "me/community";
const baseUrl = process.env.REPLICATE_BASE_URL; // the client does not read it itself
const replicate = new Replicate({ baseUrl });

async function versionOf(name) {
  return (await replicate.models.get(...name.split("/"))).latest_version.id;
}

async function bytes(output) {
  return Buffer.from(await (await output.blob()).arrayBuffer()).toString();
}

async function it_runs_text() {
  assert.equal(await replicate.run("replicate/hello-world", { input: { text: "Alice" } }), "hello Alice");
}

async function it_runs_without_waiting() {
  const seen = [];
  const options = { input: { seconds: 0.3 }, wait: { mode: "poll", interval: 50 } };
  const output = await replicate.run("local/slow", options, (prediction) => seen.push(prediction.status));
  assert.equal(output, "worked for 0.3 seconds");
  assert.equal(seen[0], "starting");
  assert.equal(seen.at(-1), "succeeded");
}

async function it_runs_a_version() {
  const version = await versionOf(COMMUNITY);
  assert.deepEqual(await replicate.run(`${COMMUNITY}:${version}`, { input: { number: 20 } }), { double: 40 });
}

async function it_does_not_take_half_an_output_where_the_wait_runs_out() {
  const output = await replicate.run("me/words", { input: { pause: 0.3 }, wait: { mode: "block", timeout: 1 } });
  assert.deepEqual(output, PIECES);
}

async function it_gives_a_file_and_takes_one() {
  const outputs = await replicate.run("me/reverse", { input: { files: [new Blob(["abc"]), Buffer.from("123")] } });
  assert.deepEqual(await Promise.all(outputs.map(bytes)), ["cba", "321"]);
  assert.equal(outputs[0].url().protocol, "data:");
}

async function it_gives_the_address_of_a_file_where_it_polls() {
  const [output] = await replicate.run("me/reverse", { input: { files: [Buffer.from("ab")] }, wait: { mode: "poll" } });
  assert.match(output, /^http:/); // this client takes only https: and data: for a file
  assert.equal(await (await fetch(output)).text(), "ba");
}

async function it_streams() {
  const events = [];
  for await (const event of replicate.stream("me/words", { input: {} })) events.push(event);
  assert.deepEqual(events.filter((one) => one.event === "output").map((one) => one.data), PIECES);
  assert.equal(events.at(-1).event, "done");
  assert.match(events[0].id, /^\d+:\d+$/);
}

async function it_streams_an_error() {
  await assert.rejects(async () => {
    for await (const event of replicate.stream("me/breaks", { input: {} })) assert.equal(event.toString(), "a");
  }, /out of words/);
  await assert.rejects(async () => {
    for await (const event of replicate.stream("replicate/hello-world", { input: { text: "x" } })) event.toString();
  }, /does not support streaming/);
}

async function it_creates_and_looks() {
  const prediction = await replicate.predictions.create({ version: await versionOf(COMMUNITY), input: { number: 3 } });
  const done = await replicate.wait(prediction, { interval: 50 });
  assert.deepEqual(done.output, { double: 6 });
  assert.deepEqual((await replicate.predictions.get(prediction.id)).input, { number: 3 });
  assert.equal((await replicate.predictions.list()).results[0].id, prediction.id);
}

async function it_cancels() {
  const prediction = await replicate.predictions.create({ model: "local/slow", input: { seconds: 60 } });
  assert.equal((await replicate.predictions.cancel(prediction.id)).status, "canceled");
  const controller = new AbortController();
  const running = replicate.run(
    "local/slow",
    { input: { seconds: 60 }, wait: { mode: "poll", interval: 50 }, signal: controller.signal },
    (one) => one.status === "processing" && controller.abort()
  );
  assert.equal(await running, null);
  assert.equal((await replicate.predictions.list()).results[0].status, "canceled");
}

async function it_pages() {
  const names = [];
  for await (const page of replicate.paginate(replicate.models.list)) {
    names.push(...page.map((one) => `${one.owner}/${one.name}`));
  }
  assert.ok(names.length >= 30);
  assert.equal(new Set(names).size, names.length);
}

async function it_knows_models() {
  const model = await replicate.models.get("replicate", "hello-world");
  assert.equal(model.visibility, "public");
  const { results } = await replicate.models.versions.list("replicate", "hello-world");
  const version = await replicate.models.versions.get("replicate", "hello-world", results[0].id);
  assert.ok(version.openapi_schema.components.schemas.Input.properties.text);
  assert.equal((await replicate.models.search("hello")).results[0].name, "hello-world");
  const made = await replicate.models.create("local", "made-here", { visibility: "private", hardware: "cpu" });
  assert.equal(made.latest_version, null);
}

async function it_trains() {
  await replicate.models.create("local", "trained", { visibility: "private", hardware: "cpu" });
  const version = await versionOf("local/trainer");
  const destination = "local/trained";
  let training = await replicate.trainings.create("local", "trainer", version, { destination, input: { steps: 2 } });
  while (training.status !== "succeeded") {
    await sleep(20);
    training = await replicate.trainings.get(training.id);
  }
  assert.match(training.output.version, /^local\/trained:[0-9a-f]{64}$/);
  assert.ok((await replicate.trainings.list()).results.some((one) => one.id === training.id));
  const long = await replicate.trainings.create("local", "trainer", version, { destination, input: { steps: 9000 } });
  assert.equal((await replicate.trainings.cancel(long.id)).status, "canceled");
}

async function it_deploys() {
  const version = await versionOf(COMMUNITY);
  const made = { name: "fast", model: COMMUNITY, version, hardware: "cpu", min_instances: 0, max_instances: 1 };
  assert.equal((await replicate.deployments.create(made)).current_release.version, version);
  assert.equal((await replicate.deployments.get("local", "fast")).name, "fast");
  assert.equal((await replicate.deployments.list()).results.length, 1);
  const changed = await replicate.deployments.update("local", "fast", { max_instances: 3 });
  assert.equal(changed.current_release.configuration.max_instances, 3);
  const options = { input: { number: 4 }, wait: true };
  const prediction = await replicate.deployments.predictions.create("local", "fast", options);
  assert.deepEqual(prediction.output, { double: 8 });
  assert.equal(await replicate.deployments.delete("local", "fast"), true);
}

async function it_finds_collections_hardware_and_the_account() {
  assert.equal((await replicate.collections.list()).results.length, 2);
  assert.equal((await replicate.collections.get("text-models")).models.length, 3);
  assert.ok((await replicate.hardware.list()).some((one) => one.sku === "cpu"));
  assert.equal((await replicate.accounts.current()).username, "local");
}

async function it_keeps_files() {
  const made = await replicate.files.create(new File(["abc"], "abc.txt", { type: "text/plain" }), { why: "test" });
  assert.deepEqual([made.name, made.size, made.metadata], ["abc.txt", 3, { why: "test" }]);
  assert.equal((await replicate.files.get(made.id)).id, made.id);
  assert.ok((await replicate.files.list()).results.some((one) => one.id === made.id));
  assert.equal(await replicate.files.delete(made.id), true);
  await assert.rejects(replicate.files.get(made.id), /File not found/);
}

async function it_is_told_by_webhooks() {
  const { key } = await replicate.webhooks.default.secret.get();
  let taken;
  const told = new Promise((resolve) => (taken = resolve));
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk)).on("end", () => {
      response.end();
      taken({ headers: request.headers, body });
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const webhook = `http://127.0.0.1:${server.address().port}/hook`;
  const input = { text: "hook" };
  await replicate.predictions.create({ model: "replicate/hello-world", input, webhook, webhook_events_filter: ["completed"] });
  const { headers, body } = await told;
  server.close();
  assert.equal(JSON.parse(body).output, "hello hook");
  assert.equal(await validateWebhook({ headers, body }, key), true);
  assert.equal(await validateWebhook({ headers, body: body.replace("hello", "hallo") }, key), false);
}

async function it_says_what_failed() {
  await assert.rejects(replicate.run("local/always-fails", { input: {} }), /Prediction failed: .*fails on purpose/);
  const polling = { input: {}, wait: { mode: "poll", interval: 50 } };
  await assert.rejects(replicate.run("local/always-fails", polling), /fails on purpose/);
}

async function it_says_what_was_refused() {
  const stranger = new Replicate({ baseUrl, auth: "r8_nobody" });
  const status = (number) => (error) => error.name === "ApiError" && error.response.status === number;
  await assert.rejects(stranger.accounts.current(), status(401));
  await assert.rejects(replicate.run("no/such", { input: {} }), status(404));
  await assert.rejects(replicate.run("replicate/hello-world", { input: { txt: 1 } }), status(422));
}

const ended = {};
for (const [, name] of readFileSync(new URL(import.meta.url), "utf8").matchAll(/^async function (it_\w+)/gm)) {
  try {
    await eval(name)();
    ended[name] = "passed";
  } catch (error) {
    ended[name] = String(error.stack);
  }
}
console.log(JSON.stringify(ended));
process.exit(); // a stream stays open for a while behind its last event
