import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, imported, open, showList, test } from './server';

async function menu(page: Page, title: string, action: string) {
  await showList(page);
  const item = page.locator('nav li', { hasText: title });
  await item.hover();
  await item.getByRole('button', { name: /More about/ }).click();
  await item.getByRole('menuitem', { name: action }).click();
}

test('conversations are searched, renamed, pinned, filed, archived and deleted', async ({ page }) => {
  await open(page);
  await imported(page, 'Pigeons', [['user', 'How many pigeons fit in 100% of the holes?'], ['assistant', 'Ninety.']]);
  await imported(page, 'Apples', [['user', '还剩多少个苹果？'], ['assistant', '31']]);
  await showList(page);
  const search = page.getByRole('searchbox', { name: 'Search conversations' });
  const links = page.locator('nav li a');
  await search.fill('100%');
  await expect(links).toHaveCount(1);
  await expect(links).toContainText('pigeons fit in 100%');
  await search.fill('苹果');
  await expect(links).toContainText('Apples');
  await search.fill('nothing like it');
  await expect(page.getByText('Nothing found')).toBeVisible();
  await search.fill('');

  await menu(page, 'Apples', 'Rename');
  await page.getByLabel('New name').fill('Fruit');
  await page.getByLabel('New name').press('Enter');
  await expect(page.getByRole('heading', { name: 'Fruit' })).toBeVisible();

  await menu(page, 'Pigeons', 'Pin');
  await expect(page.locator('nav details').first()).toContainText('Pinned');
  await expect(page.locator('nav details').first()).toContainText('Pigeons');
  await menu(page, 'Pigeons', 'Unpin');

  page.once('dialog', (dialog) => dialog.accept('Sums'));
  await menu(page, 'Fruit', 'Move to folder…');
  await expect(page.locator('nav details', { hasText: 'Sums' })).toContainText('Fruit');

  await menu(page, 'Fruit', 'Archive');
  await expect(page.locator('nav li', { hasText: 'Fruit' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await menu(page, 'Fruit', 'Take out of the archive');
  await page.getByRole('button', { name: 'Back to conversations' }).click();
  await expect(page.locator('nav li', { hasText: 'Fruit' })).toHaveCount(1);

  page.once('dialog', (dialog) => dialog.accept());
  await menu(page, 'Fruit', 'Delete');
  await expect(page.locator('nav li', { hasText: 'Fruit' })).toHaveCount(0);
  page.once('dialog', (dialog) => dialog.dismiss());
  await menu(page, 'Pigeons', 'Delete');
  await expect(page.locator('nav li', { hasText: 'Pigeons' })).toHaveCount(1);
});

test('an exported conversation comes back the same, and as Markdown to read', async ({ page, request }) => {
  await open(page);
  await imported(page, 'Round trip', [
    ['user', 'Question?', { typed: 9 }],
    ['assistant', '**Answer**', { effort: 'high', model: 'm' }],
  ]);
  const read = async (format: string) => {
    const download = page.waitForEvent('download');
    await menu(page, 'Round trip', `Export as ${format}`);
    const file = await download;
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  };
  const json = await read('JSON');
  expect(json.name).toBe('Round-trip.json');
  const markdown = await read('Markdown');
  expect(markdown.name).toBe('Round-trip.md');
  expect(markdown.text).toBe(
    '# Round trip\n\n## Question\n\nQuestion?\n\n## Answer (m, high)\n\n**Answer**\n',
  );
  const again = await request.post('/api/import', { data: JSON.parse(json.text) });
  expect(again.status()).toBe(201);
  const { id } = await again.json();
  const copy = await (await request.get(`/api/conversations/${id}/export`)).json();
  const original = JSON.parse(json.text);
  const untimed = (c: { messages: object[] }) => ({ ...c, messages: c.messages.map((m) => ({ ...m, time_ms: 0 })) });
  expect(untimed(copy)).toEqual(untimed(original));
});

test('a file that is no conversation is refused in words', async ({ page }) => {
  await open(page);
  await showList(page);
  const file = (text: string) => ({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from(text) });
  for (const text of [
    'not JSON',
    '{"some": "thing"}',
    '{"strawberry_conversation": 99, "messages": []}',
    '{"strawberry_conversation": 1, "messages": [{"seq": 0, "parent": 7, "role": "user", "content": "?"}]}',
    '{"strawberry_conversation": 1, "messages": [{"seq": 0, "role": "nobody", "content": "?"}]}',
  ]) {
    await page.locator('input[type=file][accept*=json]').setInputFiles(file(text));
    await expect(page.getByRole('alert')).toContainText('no exported conversation');
    await page.getByRole('alert').getByRole('button', { name: 'Close' }).click();
  }
});

test('the address names the conversation; back and forward go between them', async ({ page }) => {
  await open(page);
  await imported(page, 'First', [['user', 'one'], ['assistant', '1']]);
  await imported(page, 'Second', [['user', 'two'], ['assistant', '2']]);
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'First' })).toBeVisible();
  await page.goForward();
  await expect(page.getByRole('heading', { name: 'Second' })).toBeVisible();
  await page.goto('/#/c/nothing');
  await expect(page.getByRole('alert')).toContainText('there is no such conversation');
});
