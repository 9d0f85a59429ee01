// What a program does with OpenAI's client for JavaScript, against the gateway.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const client = new OpenAI();
const messages = [{ role: "system", content: "Be brief." }, { role: "user", content: "Bees?" }];
const model = "gpt-4o-mini";

async function it_chats() {
  const completion = await client.chat.completions.create({ model, messages });
  assert.match(completion.choices[0].message.content, /^I was given 2 messages/);
  assert.ok(completion.usage.completion_tokens > 10);
}

async function it_streams() {
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.match(text, /^I was given 2 messages/);
}

async function it_draws() {
  const images = await client.images.generate({ model: "dall-e-3", prompt: "a cat", size: "1024x1024" });
  assert.match(images.data[0].url, /^http/);
}

async function it_embeds() {
  const response = await client.embeddings.create({ model: "text-embedding-3-small", input: "a b" });
  assert.equal(response.data[0].embedding.length, 8);
}

async function it_says_what_is_wrong() {
  const wrong = { model: "claude", messages, max_tokens: 3 };
  const isRight = (error) => error instanceof OpenAI.BadRequestError && /at least 1024/.test(error.message);
  await assert.rejects(client.chat.completions.create(wrong), isRight);
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
process.exit();
