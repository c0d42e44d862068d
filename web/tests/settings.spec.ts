import { answered, ask, expect, open, quick, showList, test } from './server';

test('system prompt, sampling and strategy belong to the conversation and go with the request', async ({ page }) => {
  await open(page);
  await quick(page, 'none', 8);
  await page.getByRole('main').getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel('System prompt').fill('Answer like a pirate.');
  await page.getByLabel('Temperature').fill('0.3');
  await page.getByLabel('Top-p').fill('0.8');
  await page.getByLabel('Seed').fill('7');
  await page.getByLabel('Strategy').selectOption('direct');
  await page.getByRole('button', { name: 'Close' }).click();
  const request = page.waitForRequest((r) => r.url().endsWith('/v1/chat/completions'));
  await ask(page, 'Hello');
  expect((await request).postDataJSON()).toMatchObject({
    messages: [
      { role: 'system', content: 'Answer like a pirate.' },
      { role: 'user', content: 'Hello' },
    ],
    reasoning_effort: 'none',
    thinking: { strategy: 'direct' },
    temperature: 0.3,
    top_p: 0.8,
    seed: 7,
    max_completion_tokens: 8,
    stream: true,
  });
  await answered(page);
  await page.reload();
  await page.getByRole('main').getByRole('button', { name: 'Settings' }).click();
  await expect(page.getByLabel('System prompt')).toHaveValue('Answer like a pirate.');
  await expect(page.getByLabel('Seed')).toHaveValue('7');
  await page.getByRole('button', { name: 'Close' }).click();
  // A new conversation begins with the effort, and without the rest.
  await showList(page);
  await page.getByRole('button', { name: 'New chat' }).click();
  await expect(page.getByLabel('Effort', { exact: true })).toHaveValue('none');
  await page.getByRole('main').getByRole('button', { name: 'Settings' }).click();
  await expect(page.getByLabel('System prompt')).toHaveValue('');
});

test('the model can be chosen', async ({ page, request }) => {
  await open(page);
  const models = (await (await request.get('/v1/models')).json()).data.map((m: { id: string }) => m.id);
  const picker = page.getByLabel('Model');
  expect(await picker.locator('option').allTextContents()).toEqual(models);
  await picker.selectOption(models.at(-1));
  await quick(page, 'none', 4);
  const sent = page.waitForRequest((r) => r.url().endsWith('/v1/chat/completions'));
  await ask(page, 'Hi');
  expect((await sent).postDataJSON().model).toBe(models.at(-1));
  await answered(page);
});

test('files go along with a question; what is no text is refused', async ({ page }) => {
  await open(page);
  await quick(page, 'none', 8);
  const picker = page.locator('form input[type=file]');
  await picker.setInputFiles([
    { name: 'sum.py', mimeType: 'text/x-python', buffer: Buffer.from('print("```")\n') },
    { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('草莓') },
    { name: 'wrong.txt', mimeType: 'text/plain', buffer: Buffer.from('remove me') },
  ]);
  await page.getByRole('button', { name: 'Remove wrong.txt' }).click();
  await picker.setInputFiles({ name: 'x.pdf', mimeType: 'application/pdf', buffer: Buffer.from([0x25, 0x50, 0, 0xff]) });
  await expect(page.getByRole('alert')).toContainText('x.pdf is not a text file');
  await picker.setInputFiles({ name: 'big.txt', mimeType: 'text/plain', buffer: Buffer.alloc(300_000, 'a') });
  await expect(page.getByRole('alert')).toContainText('big.txt is larger than 256 KB');
  const request = page.waitForRequest((r) => r.url().endsWith('/v1/chat/completions'));
  await ask(page, 'What does it print?');
  const { content } = (await request).postDataJSON().messages[0];
  expect(content).toBe(
    'What does it print?\n\nsum.py:\n````py\nprint("```")\n````\n\nnotes.txt:\n```txt\n草莓\n```',
  );
  await answered(page);
  const bubble = page.locator('li.user .bubble');
  await expect(bubble).toContainText('sum.py');
  await expect(bubble).not.toContainText('print(');
  // An edited question keeps its files.
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Edit').fill('And now?');
  const edited = page.waitForRequest((r) => r.url().endsWith('/v1/chat/completions'));
  await page.locator('li.user').getByRole('button', { name: 'Send' }).click();
  expect((await edited).postDataJSON().messages[0].content).toMatch(/^And now\?\n\nsum\.py:\n/);
  await answered(page);
});

test('theme and language are chosen and kept', async ({ page }) => {
  await open(page);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await background();
  await page.emulateMedia({ colorScheme: 'light' });
  expect(await background()).not.toBe(dark);
  await page.getByRole('main').getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel('Theme').selectOption('dark');
  expect(await background()).toBe(dark);
  await page.getByLabel('Language').selectOption('zh');
  await expect(page.getByRole('heading', { name: '设置' })).toBeVisible();
  await page.reload();
  expect(await background()).toBe(dark);
  await expect(page.getByRole('heading', { name: '想弄清楚什么？' })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
});

test('the keyboard does it all', async ({ page, isMobile }) => {
  test.skip(isMobile, 'phones have no Ctrl key');
  await open(page);
  await quick(page, 'none', 400);
  const composer = page.getByLabel('Ask anything');
  await composer.click();
  await page.keyboard.press('Control+Shift+E');
  await expect(page.getByLabel('Effort', { exact: true })).toHaveValue('minimal');
  await page.getByLabel('Effort', { exact: true }).selectOption('none');
  await composer.fill('first line');
  await composer.press('Shift+Enter');
  await composer.pressSequentially('Write a long story about a strawberry.');
  await composer.press('Enter');
  await expect(page.locator('li.user')).toContainText('first line\nWrite');
  await expect(page.locator('.answer .markdown')).not.toBeEmpty();
  await page.keyboard.press('Escape');
  await answered(page);
  await page.keyboard.press('Control+Shift+A');
  await expect(page.getByRole('complementary', { name: 'Attempts' })).toBeVisible();
  await page.keyboard.press('Control+Shift+A');
  await page.keyboard.press('Control+b');
  await expect(page.locator('nav')).toHaveCount(0);
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.press('Shift+Escape');
  await expect(composer).toBeFocused();
  await page.keyboard.press('Control+/');
  await expect(page.getByRole('dialog')).toContainText('Keyboard shortcuts');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('Control+Shift+O');
  await expect(page.getByRole('heading', { name: 'What shall we work out?' })).toBeVisible();
});
