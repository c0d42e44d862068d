"""The API through openai-python: every call is one a user's program makes."""

import json
import time

import openai
from pydantic import BaseModel

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
    "required": ["city"],
    "additionalProperties": False,
}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "description": "The weather in a city", "parameters": SCHEMA}}
TOOL = {"type": "function", "name": "weather", "description": "The weather in a city", "parameters": SCHEMA}
QUESTION = [{"role": "user", "content": "What is 17 + 25?"}]


class Sum(BaseModel):
    a: int
    b: bool


def client(base):
    return openai.OpenAI(base_url=base, api_key="none", max_retries=0, timeout=300)


def chat(c, model):
    answer = c.chat.completions.create(model=model, messages=QUESTION, reasoning_effort="low", max_completion_tokens=600, seed=1)
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.message.reasoning_content == choice.message.reasoning and "**Attempt 2**" in choice.message.reasoning
    usage = answer.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert 0 < usage.completion_tokens_details.reasoning_tokens < usage.completion_tokens
    candidates = choice.search["candidates"]
    assert sum(x["tokens"] for x in candidates) == usage.completion_tokens and len(candidates) == 4
    again = c.chat.completions.create(model=model, messages=QUESTION, reasoning_effort="low", max_completion_tokens=600, seed=1)
    assert again.choices[0].message.content == choice.message.content
    turns = QUESTION + [choice.message.model_dump(exclude_none=True), {"role": "user", "content": "And twice that?"}]
    assert c.chat.completions.create(model=model, messages=turns, reasoning_effort="none", max_completion_tokens=40).choices
    several = c.chat.completions.create(model=model, messages=QUESTION, n=3, reasoning_effort="none", temperature=1, max_completion_tokens=20)
    assert [x.index for x in several.choices] == [0, 1, 2]


def stream(c, model):
    chunks = list(c.chat.completions.create(
        model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True},
        reasoning_effort="low", max_completion_tokens=600, seed=1))
    whole = c.chat.completions.create(model=model, messages=QUESTION, reasoning_effort="low", max_completion_tokens=600, seed=1)
    deltas = [x.choices[0].delta for x in chunks if x.choices]
    text = "".join(d.content or "" for d in deltas)
    thinking = "".join(getattr(d, "reasoning_content", None) or "" for d in deltas)
    assert text.rstrip() == whole.choices[0].message.content
    assert thinking == whole.choices[0].message.reasoning_content
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    first = next(i for i, x in enumerate(chunks) if x.choices and getattr(x.choices[0].delta, "reasoning_content", None))
    last = next(i for i, x in enumerate(chunks) if x.choices and x.choices[0].finish_reason)
    assert last - first > 20, "thinking comes in pieces, while the search runs"
    scored = c.chat.completions.create(model=model, messages=QUESTION, logprobs=True, top_logprobs=3, reasoning_effort="none", max_completion_tokens=8)
    tokens = scored.choices[0].logprobs.content
    assert len(tokens) >= 1 and all(len(t.top_logprobs) == 3 and t.logprob <= 0 for t in tokens)


def tools_loop(c, model):
    messages = [{"role": "user", "content": "How is the weather in Paris?"}]
    first = c.chat.completions.create(model=model, messages=messages, tools=[CHAT_TOOL], tool_choice="required", reasoning_effort="none", max_completion_tokens=100)
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls", choice
    call = choice.message.tool_calls[0]
    assert json.loads(call.function.arguments)["city"] in ("Paris", "Rome")
    messages += [choice.message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": "22 degrees, sunny"}]
    last = c.chat.completions.create(model=model, messages=messages, tools=[CHAT_TOOL], tool_choice="none", reasoning_effort="none", max_completion_tokens=60)
    assert last.choices[0].finish_reason in ("stop", "length") and last.choices[0].message.content
    named = {"type": "function", "function": {"name": "weather"}}
    with c.chat.completions.stream(model=model, messages=messages[:1], tools=[CHAT_TOOL], tool_choice=named, reasoning_effort="none", max_completion_tokens=100) as s:
        for _ in s:
            pass
        streamed = s.get_final_completion().choices[0].message.tool_calls[0]
    assert streamed.function.name == "weather" and json.loads(streamed.function.arguments)


def structured(c, model):
    answer = c.chat.completions.parse(model=model, messages=QUESTION, response_format=Sum, reasoning_effort="none", max_completion_tokens=100)
    assert isinstance(answer.choices[0].message.parsed, Sum)
    voted = c.chat.completions.parse(model=model, messages=QUESTION, response_format=Sum, reasoning_effort="low", max_completion_tokens=400)
    assert isinstance(voted.choices[0].message.parsed, Sum) and voted.choices[0].search["votes"]
    parsed = c.responses.parse(model=model, input="What is 17 + 25?", text_format=Sum, reasoning={"effort": "none"}, max_output_tokens=100)
    assert isinstance(parsed.output_parsed, Sum)


def responses(c, model):
    first = c.responses.create(model=model, input="My name is Ada.", reasoning={"effort": "none"}, max_output_tokens=30, metadata={"k": "v"})
    assert first.object == "response" and first.output_text and first.usage.output_tokens > 0
    second = c.responses.create(model=model, input="What is my name?", previous_response_id=first.id, reasoning={"effort": "low", "summary": "auto"}, max_output_tokens=400)
    kinds = [item.type for item in second.output]
    assert kinds == ["reasoning", "message"], kinds
    assert second.output[0].summary[0].text and second.output[0].content[0].text
    assert second.usage.input_tokens > first.usage.input_tokens
    assert c.responses.retrieve(second.id).output_text == second.output_text
    assert c.responses.input_items.list(second.id).data[0].content
    called = c.responses.create(model=model, input="Weather in Rome?", tools=[TOOL], tool_choice="required", reasoning={"effort": "none"}, max_output_tokens=100)
    call = called.output[-1]
    assert call.type == "function_call" and json.loads(call.arguments)
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    assert c.responses.create(model=model, input=[output], previous_response_id=called.id, reasoning={"effort": "none"}, max_output_tokens=30).output_text
    c.responses.delete(first.id)
    try:
        c.responses.retrieve(first.id)
        raise AssertionError("it was deleted")
    except openai.NotFoundError:
        pass


def responses_stream(c, model):
    with c.responses.stream(model=model, input="What is 17 + 25?", reasoning={"effort": "low", "summary": "auto"}, max_output_tokens=600) as s:
        events = list(s)
    # The last event has the whole response, completed or cut off by the limit of tokens.
    final = events[-1].response
    kinds = {e.type for e in events}
    for kind in ("response.created", "response.reasoning_text.delta", "response.output_text.delta", "response.output_item.done"):
        assert kind in kinds, kinds
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text.rstrip() == final.output_text
    assert [e.sequence_number for e in events] == sorted(e.sequence_number for e in events)


def background(c, model):
    job = c.responses.create(model=model, input="What is 17 + 25?", background=True, reasoning={"effort": "low"}, max_output_tokens=600)
    assert job.status in ("queued", "in_progress")
    while job.status in ("queued", "in_progress"):
        time.sleep(0.2)
        job = c.responses.retrieve(job.id)
    assert job.status in ("completed", "incomplete") and job.output_text


def cancel(c, model):
    job = c.responses.create(model=model, input="Write a long story about the sea.", background=True, reasoning={"effort": "high"})
    assert c.responses.cancel(job.id).status == "cancelled"
    assert c.responses.retrieve(job.id).status == "cancelled"
    s = c.chat.completions.create(model=model, messages=[{"role": "user", "content": "Write a long story about the sea."}], stream=True, reasoning_effort="high")
    chunk = next(iter(s))
    c.post(f"/requests/{chunk.id}/answer_now", cast_to=object)
    rest = list(s)
    assert rest[-1].choices[0].finish_reason
    s = c.chat.completions.create(model=model, messages=QUESTION, stream=True, reasoning_effort="high")
    next(iter(s))
    s.close()
    for _ in range(100):
        if not c.get("/requests", cast_to=object)["data"]:
            return
        time.sleep(0.05)
    raise AssertionError("a closed stream goes on")


def errors(c, model):
    def fails(kind, status, call):
        try:
            call()
        except kind as error:
            assert error.status_code == status and error.body["message"], error
            return error
        raise AssertionError(f"{kind} was expected")

    ask = c.chat.completions.create
    fails(openai.NotFoundError, 404, lambda: ask(model="no-such-model", messages=QUESTION))
    error = fails(openai.BadRequestError, 400, lambda: ask(model=model, messages=QUESTION, temperature=9))
    assert error.param == "temperature"
    error = fails(openai.BadRequestError, 400, lambda: ask(model=model, messages=[{"role": "user", "content": "word " * 40000}]))
    assert error.code == "context_length_exceeded"
    fails(openai.BadRequestError, 400, lambda: ask(model=model, messages=QUESTION, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}))
    fails(openai.NotFoundError, 404, lambda: c.responses.retrieve("resp_none"))


def embeddings(c, model):
    texts = ["The cat sleeps on the sofa.", "A cat is sleeping on a couch.", "Interest rates rose by two percent."]
    found = c.embeddings.create(model=model, input=texts)
    near, far = (sum(a * b for a, b in zip(found.data[0].embedding, found.data[i].embedding)) for i in (1, 2))
    assert abs(sum(v * v for v in found.data[0].embedding) - 1) < 1e-3 and near > far, (near, far)


def completions(c, model):
    answer = c.completions.create(model=model, prompt="What is 17 + 25?", max_tokens=20, seed=1)
    assert answer.choices[0].text
    assert "".join(x.choices[0].text for x in c.completions.create(model=model, prompt="What is 17 + 25?", max_tokens=20, seed=1, stream=True)).rstrip() == answer.choices[0].text
    assert any(m.id == model for m in c.models.list()) and c.models.retrieve(model).id == model


TESTS = [chat, stream, tools_loop, structured, responses, responses_stream, background, cancel, errors, embeddings, completions]


def run(base):
    c = client(base)
    model = c.models.list().data[0].id
    for test in TESTS:
        start = time.time()
        test(c, model)
        print(f"openai-python {openai.__version__}: {test.__name__} passed in {time.time() - start:.1f} s", flush=True)
