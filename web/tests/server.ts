import { test as base, expect, type Page } from '@playwright/test';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Every test file talks to a server of its own: the real program with a real model, and an empty store.
 * STRAWBERRY_BIN names the program, STRAWBERRY_TEST_MODEL the model (a path, or `default`).
 */

const BIN = process.env.STRAWBERRY_BIN ?? join(import.meta.dirname, '../../target/release/strawberry');
const MODEL = process.env.STRAWBERRY_TEST_MODEL ?? 'default';

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

const HOME = process.env.STRAWBERRY_HOME ?? join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local/share'), 'strawberry');

export async function start() {
  const home = mkdtempSync(join(tmpdir(), 'strawberry-web-'));
  symlinkSync(join(HOME, 'models'), join(home, 'models'));
  const port = await freePort();
  const child = spawn(BIN, ['serve', '--model', MODEL, '--port', String(port)], {
    env: { ...process.env, STRAWBERRY_HOME: home },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    const up = await fetch(`${url}/ready`).then(
      (r) => r.ok,
      () => false,
    );
    if (up) break;
    if (tries > 300 || child.exitCode !== null) throw new Error(`${BIN} does not come up: build it with \`make build\``);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(home, { recursive: true });
    },
  };
}

export const test = base.extend<object, { server: string }>({
  server: [
    async ({}, use) => {
      const server = await start();
      await use(server.url);
      await server.stop();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ server }, use) => use(server),
  page: async ({ page }, use) => {
    // Nothing the app does may be refused by its own policy or throw.
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) complaints.push(message.text());
    });
    await use(page);
    expect(complaints).toEqual([]);
  },
});

export { expect };

/** Opens the app; on a phone the list of conversations is closed at first. */
export async function open(page: Page) {
  await page.goto('/');
  await expect(page.getByLabel('Ask anything')).toBeVisible();
}

export async function showList(page: Page) {
  const button = page.getByRole('button', { name: 'Show conversations' });
  if (await button.isVisible()) await button.click();
}

/** Chooses an effort and bounds the answer, so that a test is quick on any machine. */
export async function quick(page: Page, effort: string, tokens?: number) {
  if (tokens) {
    await page.getByRole('main').getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Tokens at most').fill(String(tokens));
    await page.getByLabel('Tokens at most').blur();
    await page.getByRole('button', { name: 'Close' }).click();
  }
  await page.getByLabel('Effort', { exact: true }).selectOption(effort);
}

export async function ask(page: Page, question: string) {
  await page.getByLabel('Ask anything').fill(question);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** Waits until the answer is complete. */
export async function answered(page: Page) {
  await expect(page.getByRole('button', { name: 'Send' })).toBeVisible();
  await expect(page.locator('li.assistant').last()).toHaveAttribute('aria-busy', 'false');
}

/** Imports a conversation with the given messages, each after the one before. */
export async function imported(page: Page, title: string, said: [role: string, content: string, meta?: object][]) {
  const messages = said.map(([role, content, meta], seq) => ({
    seq,
    parent: seq ? seq - 1 : null,
    role,
    content,
    meta: meta ?? {},
  }));
  const file = { strawberry_conversation: 1, title, settings: {}, messages };
  await showList(page);
  await page.locator('input[type=file][accept*=json]').setInputFiles({
    name: 'conversation.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(file)),
  });
  await expect(page.getByRole('heading', { name: title })).toBeVisible();
}
