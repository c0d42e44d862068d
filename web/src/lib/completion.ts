import { request } from './api';
import { events } from './sse';
import { Live, type LiveEvent } from './trace';
import type { ChatSettings, Usage } from './types';

/** One request to `/v1/chat/completions`, as it goes on. */
export interface Progress {
  content: string;
  thinking: string;
  /** The trace of the run, as soon as it is known. */
  run: string | null;
  usage: Usage | null;
  samples: number | null;
  confidence: number | null;
  share: number | null;
  finish: string | null;
  model: string | null;
}

export interface Turn {
  role: string;
  content: string;
}

interface Chunk {
  id?: string;
  model?: string;
  error?: { message: string };
  choices?: {
    delta?: { content?: string | null; reasoning_content?: string | null };
    finish_reason?: string | null;
    search?: Search | LiveEvent;
  }[];
  usage?: {
    prompt_tokens: number;
    completion_tokens: number;
    completion_tokens_details?: { reasoning_tokens?: number };
  } | null;
}

/** How the answer was found, with the last piece. */
interface Search {
  status: string;
  trace_id: string | null;
  confidence: number | null;
  votes: { share: number }[];
  candidates: unknown[];
}

/** A request in flight. */
export class Completion {
  readonly progress: Progress = {
    content: '',
    thinking: '',
    run: null,
    usage: null,
    samples: null,
    confidence: null,
    share: null,
    finish: null,
    model: null,
  };
  /** The attempts as they go on. */
  readonly live = new Live();
  private readonly id = `web-${[...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join('')}`;
  private readonly abort = new AbortController();

  /** Sends the request and calls `changed` after each piece; ends when the answer is complete. */
  async run(messages: Turn[], settings: ChatSettings, changed: () => void): Promise<void> {
    const response = await request('/v1/chat/completions', {
      method: 'POST',
      signal: this.abort.signal,
      headers: { 'x-request-id': this.id },
      body: JSON.stringify(requestBody(messages, settings)),
    });
    if (!response.body) throw new Error('the server sent no answer');
    for await (const data of events(response.body)) {
      if (data === '[DONE]') break;
      this.take(JSON.parse(data) as Chunk);
      changed();
    }
  }

  /** Ends the search; what has been found is answered. */
  answerNow = () => this.tell('answer_now');

  /** Stops; the best so far still comes. If the server does not react, the connection is cut. */
  async stop() {
    setTimeout(() => this.abort.abort(), 4000);
    await this.tell('cancel').catch(() => this.abort.abort());
  }

  get aborted() {
    return this.abort.signal.aborted;
  }

  private async tell(what: string) {
    await request(`/v1/requests/${this.id}/${what}`, { method: 'POST' });
  }

  private take(chunk: Chunk) {
    const p = this.progress;
    if (chunk.error) throw new Error(chunk.error.message);
    if (chunk.model) p.model = chunk.model;
    const choice = chunk.choices?.[0];
    p.content += choice?.delta?.content ?? '';
    p.thinking += choice?.delta?.reasoning_content ?? '';
    if (choice?.finish_reason) p.finish = choice.finish_reason;
    const search = choice?.search;
    if (search && 'event' in search) this.live.take(search);
    else if (search) {
      p.run = search.trace_id;
      p.samples = search.candidates.length;
      p.confidence = search.confidence;
      p.share = search.votes[0]?.share ?? null;
      if (search.status === 'interrupted') p.finish = 'cancelled';
    }
    if (chunk.usage) {
      p.usage = {
        prompt_tokens: chunk.usage.prompt_tokens,
        completion_tokens: chunk.usage.completion_tokens,
        reasoning_tokens: chunk.usage.completion_tokens_details?.reasoning_tokens ?? 0,
      };
    }
  }
}

function requestBody(messages: Turn[], settings: ChatSettings) {
  const { model, effort, seconds, strategy, temperature, top_p, max_tokens, seed, system } = settings;
  const thinking = seconds || strategy ? { seconds, strategy } : undefined;
  return {
    model: model ?? 'default',
    messages: system ? [{ role: 'system', content: system }, ...messages] : messages,
    stream: true,
    stream_options: { include_usage: true, include_search: true },
    reasoning_effort: seconds ? undefined : effort,
    thinking,
    temperature,
    top_p,
    max_completion_tokens: max_tokens,
    seed,
  };
}
