"""The cases of the Open Responses compliance suite, as its documentation describes them: one line each, pass or fail.

A case fails where the model or the server can't do it; docs/compatibility.md says which and why.
"""

import json
import urllib.error
import urllib.request

REQUIRED = """id object created_at completed_at status incomplete_details model previous_response_id instructions output error
tools tool_choice truncation parallel_tool_calls text top_p presence_penalty frequency_penalty top_logprobs temperature
reasoning user usage max_output_tokens max_tool_calls store background service_tier metadata safety_identifier
prompt_cache_key""".split()
NUMBERS = "created_at top_p presence_penalty frequency_penalty top_logprobs temperature".split()
EVENTS = """created queued in_progress completed failed incomplete output_item.added output_item.done content_part.added
content_part.done output_text.delta output_text.done refusal.delta refusal.done function_call_arguments.delta
function_call_arguments.done reasoning_summary_part.added reasoning_summary_part.done reasoning.delta reasoning.done
reasoning_summary_text.delta reasoning_summary_text.done output_text.annotation.added""".split()
WEATHER = {
    "type": "function", "name": "get_weather", "description": "Get the current weather for a location",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def message(role, content):
    return {"type": "message", "role": role, "content": content}


CASES = {
    "basic-response": {"input": [message("user", "Say hello in exactly 3 words.")]},
    "streaming-response": {"input": [message("user", "Count from 1 to 5.")], "stream": True},
    "system-prompt": {"input": [message("system", "You are a pirate. Answer as one."), message("user", "Say hello.")]},
    "tool-calling": {"input": [message("user", "What's the weather like in San Francisco?")], "tools": [WEATHER]},
    "tool-calling-streaming": {"input": [message("user", "What's the weather like in San Francisco?")], "tools": [WEATHER], "stream": True},
    "image-input": {"input": [message("user", [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": PIXEL}])]},
    "multi-turn": {"input": [message("user", "My name is Alice."), message("assistant", "Hello Alice!"), message("user", "What is my name?")]},
}


def check(response, case):
    """What is wrong with a response object."""
    wrong = [f"no {field}" for field in REQUIRED if field not in response]
    wrong += [f"{field} is no number" for field in NUMBERS if not isinstance(response.get(field), (int, float))]
    kinds = [item["type"] for item in response["output"]]
    if "tool-calling" in case:
        if "function_call" not in kinds:
            wrong.append("the model called no tool")
    elif response["status"] != "completed":
        wrong.append(f"it is {response['status']}")
    if not kinds:
        wrong.append("no output")
    return wrong


def attempt(base, model, case, body):
    data = json.dumps({"model": model, **body}).encode()
    request = urllib.request.Request(base + "/responses", data, {"Content-Type": "application/json"})
    try:
        answer = urllib.request.urlopen(request, timeout=300).read().decode()
    except urllib.error.HTTPError as error:
        return [f"{error.code}: {json.load(error)['error']['message']}"]
    if not body.get("stream"):
        return check(json.loads(answer), case)
    events = [json.loads(line[6:]) for line in answer.splitlines() if line.startswith("data: {")]
    unknown = sorted({e["type"] for e in events} - {"response." + e for e in EVENTS})
    wrong = [f"events outside the specification: {', '.join(unknown)}"] if unknown else []
    if not answer.endswith("data: [DONE]\n\n"):
        wrong.append("no [DONE]")
    return wrong + check(events[-1]["response"], case)


def run(base):
    model = json.load(urllib.request.urlopen(base + "/models"))["data"][0]["id"]
    for case, body in CASES.items():
        wrong = attempt(base, model, case, body)
        print(f"open-responses {case}: {'pass' if not wrong else 'fail: ' + '; '.join(wrong)}", flush=True)
