// The API through openai-node: `node openai_test.mjs BASE_URL`.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { VERSION } from "openai/version";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0, timeout: 300_000 });
const model = (await client.models.list()).data[0].id;
const messages = [{ role: "user", content: "What is 17 + 25?" }];
const schema = {
  type: "object",
  properties: { city: { type: "string", enum: ["Paris", "Rome"] } },
  required: ["city"],
  additionalProperties: false,
};

const tests = {
  async chat() {
    const answer = await client.chat.completions.create({ model, messages, reasoning_effort: "low", max_completion_tokens: 600, seed: 1 });
    const [choice] = answer.choices;
    assert.ok(choice.message.content && choice.message.reasoning_content.includes("**Attempt 2**"));
    assert.equal(choice.search.candidates.length, 4);
    assert.ok(answer.usage.completion_tokens_details.reasoning_tokens > 0);
  },
  async stream() {
    const body = { model, messages, reasoning_effort: "low", max_completion_tokens: 600, seed: 1 };
    const whole = await client.chat.completions.create(body);
    let text = "", thinking = "", usage;
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true, stream_options: { include_usage: true } })) {
      text += chunk.choices[0]?.delta.content ?? "";
      thinking += chunk.choices[0]?.delta.reasoning_content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(text.trimEnd(), whole.choices[0].message.content);
    assert.equal(thinking, whole.choices[0].message.reasoning_content);
    assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  },
  async toolsLoop() {
    const tool = (run) => ({ type: "function", function: { name: "weather", parameters: schema, parse: JSON.parse, function: run } });
    let asked;
    const runner = client.chat.completions.runTools({
      model, messages: [{ role: "user", content: "How is the weather in Paris?" }], reasoning_effort: "none", max_completion_tokens: 100,
      tool_choice: { type: "function", function: { name: "weather" } },
      tools: [tool((args) => { asked = args.city; return "22 degrees"; })],
    });
    await runner.done();
    assert.ok(["Paris", "Rome"].includes(asked), asked);
  },
  async structured() {
    const answer = await client.chat.completions.create({
      model, messages, reasoning_effort: "none", max_completion_tokens: 100,
      response_format: { type: "json_schema", json_schema: { name: "city", schema } },
    });
    assert.ok(["Paris", "Rome"].includes(JSON.parse(answer.choices[0].message.content).city));
  },
  async responses() {
    const first = await client.responses.create({ model, input: "My name is Ada.", reasoning: { effort: "none" }, max_output_tokens: 30 });
    const second = await client.responses.create({ model, input: "What is my name?", previous_response_id: first.id, reasoning: { effort: "low" }, max_output_tokens: 400 });
    assert.deepEqual(second.output.map((item) => item.type), ["reasoning", "message"]);
    assert.equal((await client.responses.retrieve(second.id)).output_text, second.output_text);
    await client.responses.delete(first.id);
    await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
  },
  async responsesStream() {
    let text = "", last;
    const stream = await client.responses.create({ model, input: "What is 17 + 25?", reasoning: { effort: "low" }, max_output_tokens: 600, stream: true });
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") text += event.delta;
      last = event;
    }
    // The last event has the whole response, completed or cut off by the limit of tokens.
    const message = last.response.output.find((item) => item.type === "message");
    assert.equal(text.trimEnd(), message.content[0].text);
  },
  async background() {
    let job = await client.responses.create({ model, input: "What is 17 + 25?", background: true, reasoning: { effort: "low" }, max_output_tokens: 600 });
    while (["queued", "in_progress"].includes(job.status)) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      job = await client.responses.retrieve(job.id);
    }
    assert.ok(["completed", "incomplete"].includes(job.status) && job.output_text);
  },
  async cancel() {
    const job = await client.responses.create({ model, input: "Write a long story.", background: true, reasoning: { effort: "high" } });
    assert.equal((await client.responses.cancel(job.id)).status, "cancelled");
    const stream = await client.chat.completions.create({ model, messages, stream: true, reasoning_effort: "high" });
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      break;
    }
    for (let i = 0; i < 100 && (await client.get("/requests")).data.length; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await client.get("/requests")).data.length, 0);
  },
  async errors() {
    await assert.rejects(client.chat.completions.create({ model: "none", messages }), OpenAI.NotFoundError);
    await assert.rejects(client.chat.completions.create({ model, messages, top_p: 7 }), (e) => e instanceof OpenAI.BadRequestError && e.param === "top_p");
  },
  async embeddings() {
    const found = await client.embeddings.create({ model, input: ["hello", "hello"] });
    assert.deepEqual(found.data[0].embedding, found.data[1].embedding);
    assert.ok(found.data[0].embedding.length > 8 && typeof found.data[0].embedding[0] === "number");
  },
};

for (const [name, test] of Object.entries(tests)) {
  const start = Date.now();
  await test();
  console.log(`openai-node ${VERSION}: ${name} passed in ${((Date.now() - start) / 1000).toFixed(1)} s`);
}
