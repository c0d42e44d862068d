import { readFileSync } from 'node:fs';
import { answered, ask, expect, open, quick, showList, test } from './server';

test('the first page asks one of three questions; thinking opens, folds, and says how long', async ({ page }) => {
  await open(page);
  await expect(page.getByRole('heading', { name: 'Three questions worth asking' })).toBeVisible();
  await quick(page, 'low');
  const question = page.getByRole('button', { name: /3 boxes with 12 apples/ });
  await question.click();
  const answer = page.locator('li.assistant');
  const thinking = answer.locator('.thinking button');
  await expect(thinking).toHaveText(/Thinking…/);
  await expect(thinking).toHaveAttribute('aria-expanded', 'true');
  await expect(answer.getByRole('region', { name: 'Thinking…' })).toContainText(/Attempt 1/);
  await answered(page);
  await expect(thinking).toHaveText(/Thought for \d/);
  await expect(thinking).toHaveAttribute('aria-expanded', 'false');
  await thinking.click();
  await expect(answer.getByRole('region', { name: 'Thinking…' })).toContainText(/Attempt 1/);
  await expect(answer.locator('.facts')).toHaveText(/low · \d attempts · .*tokens · .* s · .*tok\/s/);
  await expect(page.locator('.gauge meter')).toBeVisible();
  // Everything is there after a reload, and the next question is asked with the same effort.
  await page.reload();
  await expect(answer.locator('.facts')).toHaveText(/low/);
  await expect(page.getByLabel('Effort', { exact: true })).toHaveValue('low');
  await showList(page);
  await expect(page.getByRole('link', { name: /3 boxes/ })).toHaveAttribute('aria-current', 'page');
});

test('thinking stays open for those who want it so', async ({ page }) => {
  await open(page);
  await page.getByRole('main').getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel('Fold the thinking').uncheck();
  await page.getByRole('button', { name: 'Close' }).click();
  await quick(page, 'low');
  await ask(page, 'What is 6 * 7?');
  await answered(page);
  await expect(page.locator('.thinking button')).toHaveAttribute('aria-expanded', 'true');
});

test('the attempts are grouped by answer, live and afterwards, and can be read and exported', async ({ page }) => {
  await open(page);
  await quick(page, 'medium');
  await ask(page, 'Tom has 3 boxes with 12 apples each. He eats 5 apples. How many apples are left?');
  await page.getByRole('button', { name: /^Attempts/ }).click();
  const panel = page.getByRole('complementary', { name: 'Attempts' });
  // Live: there are attempts while the search runs.
  await expect(panel.locator('.attempt').first()).toBeVisible();
  await expect(panel.getByText('running').first()).toBeVisible();
  await expect(panel.getByText('majority', { exact: false })).toBeVisible();
  await expect(panel.locator('h3').first()).toContainText(/\d+ votes?/);
  await expect(panel.locator('.attempt.chosen')).toHaveCount(1);
  const attempts = await panel.locator('.attempt').count();
  expect(attempts).toBeGreaterThan(1);
  await expect(panel.locator('svg circle.node')).toHaveCount(attempts);
  await panel.locator('svg circle.node').first().click();
  await expect(panel.locator('#attempt-0 .markdown')).not.toBeEmpty();
  const download = page.waitForEvent('download');
  await panel.getByRole('button', { name: 'Export the trace' }).click();
  const lines = readFileSync(await (await download).path(), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  expect(lines[0].event).toBe('started');
  expect(lines.at(-1).event).toBe('finished');
  expect(lines.filter((line) => line.event === 'sampled')).toHaveLength(attempts);
  await panel.getByRole('button', { name: 'Close' }).click();
  await expect(panel).toBeHidden();
});

test('a search that was told to answer now answers with what it has', async ({ page }) => {
  await open(page);
  await quick(page, 'max');
  await ask(page, 'What is the remainder when 7^100 is divided by 13?');
  await page.getByRole('button', { name: /^Attempts/ }).click();
  const panel = page.getByRole('complementary', { name: 'Attempts' });
  await expect(panel.locator('.attempt .dim', { hasText: 'tokens' }).first()).toBeVisible();
  await panel.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Answer now' }).click();
  await answered(page);
  await expect(page.locator('.answer .markdown')).not.toBeEmpty();
  const facts = await page.locator('.facts').textContent();
  expect(Number(/(\d+) attempts/.exec(facts ?? '')?.[1])).toBeLessThan(64);
});

test('seconds can be given instead of an effort', async ({ page }) => {
  await open(page);
  await quick(page, 'seconds');
  await page.getByLabel('Think for so many seconds').fill('3');
  await page.getByLabel('Think for so many seconds').blur();
  await ask(page, 'What is 17 * 23?');
  await answered(page);
  await expect(page.locator('.facts')).toHaveText(/^3 s · /);
});

test('an answer can be stopped, and continued where it stopped', async ({ page }) => {
  await open(page);
  await quick(page, 'none', 4000);
  await ask(page, 'Write a long story about a strawberry.');
  const text = page.locator('.answer .markdown');
  await expect(text).not.toBeEmpty();
  await page.getByRole('button', { name: 'Stop' }).click();
  await answered(page);
  await expect(page.getByText('Stopped: this is the best so far.')).toBeVisible();
  const before = (await text.textContent())!.trim();
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect.poll(async () => (await text.textContent())!.length).toBeGreaterThan(before.length);
  await page.getByRole('button', { name: 'Stop' }).click();
  await answered(page);
  expect((await text.textContent())!.startsWith(before.slice(0, 40))).toBe(true);
});

test('an answer that reached the token limit says so', async ({ page }) => {
  await open(page);
  await quick(page, 'none', 12);
  await ask(page, 'Write a long story about a strawberry.');
  await answered(page);
  await expect(page.getByText('The answer was cut off')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Continue' })).toBeVisible();
});

test('editing a question and asking again make branches that arrows lead through', async ({ page }) => {
  await open(page);
  await quick(page, 'none', 12);
  await ask(page, 'Say one.');
  await answered(page);
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Edit').fill('Say two.');
  await page.locator('li.user').getByRole('button', { name: 'Send' }).click();
  await answered(page);
  await expect(page.locator('li.user')).toContainText('Say two.');
  await expect(page.locator('li.user .branches')).toContainText('2/2');
  await page.locator('li.user').getByRole('button', { name: 'Previous version' }).click();
  await expect(page.locator('li.user')).toContainText('Say one.');
  await page.getByLabel('Ask again with another effort').selectOption('minimal');
  await answered(page);
  await expect(page.locator('li.assistant .branches')).toContainText('2/2');
  await expect(page.locator('.facts')).toHaveText(/^minimal/);
  // The branch in use is remembered.
  await page.locator('li.assistant').getByRole('button', { name: 'Previous version' }).click();
  await expect(page.locator('.facts')).toHaveText(/^none/);
  await page.reload();
  await expect(page.locator('li.user')).toContainText('Say one.');
  await expect(page.locator('li.assistant .branches')).toContainText('1/2');
  await expect(page.locator('.facts')).toHaveText(/^none/);
});

test('a conversation has turns: the model sees what was said before', async ({ page }) => {
  await open(page);
  await quick(page, 'none', 24);
  await ask(page, 'My name is Zoltan.');
  await answered(page);
  const request = page.waitForRequest((r) => r.url().endsWith('/v1/chat/completions'));
  await ask(page, 'What is my name?');
  const body = (await request).postDataJSON();
  expect(body.messages.map((m: { role: string }) => m.role)).toEqual(['user', 'assistant', 'user']);
  expect(body.messages[0].content).toBe('My name is Zoltan.');
  await answered(page);
});

test('leaving the page keeps what there is of an answer', async ({ page }) => {
  await open(page);
  await quick(page, 'none', 4000);
  await ask(page, 'Write a long story about a strawberry.');
  await expect(page.locator('.answer .markdown')).not.toBeEmpty();
  await page.reload();
  await expect(page.getByText('The page was left before the answer was complete.')).toBeVisible();
  await expect(page.locator('.answer .markdown')).not.toBeEmpty();
});
