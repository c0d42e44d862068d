import type { Page } from '@playwright/test';
import axe from 'axe-core';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { answered, ask, expect, imported, open, quick, showList, test } from './server';

const SHOTS = join(import.meta.dirname, '../../target/web-screenshots');

/** No serious issue by axe's rules (WCAG 2 A and AA, and best practice). */
async function accessible(page: Page, where: string) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
  const serious = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  expect(serious.map((v) => `${where}: ${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`)).toEqual([]);
}

async function shot(page: Page, name: string) {
  await page.screenshot({ path: join(SHOTS, `${test.info().project.name}-${name}.png`) });
}

for (const theme of ['light', 'dark'] as const) {
  test(`every screen is accessible in ${theme}`, async ({ page, isMobile }) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await open(page);
    await accessible(page, 'first page');
    await shot(page, `welcome-${theme}`);
    await quick(page, 'low');
    await ask(page, 'Tom has 3 boxes with 12 apples each. He eats 5 apples. How many apples are left?');
    await expect(page.locator('.thinking')).toBeVisible();
    await accessible(page, 'thinking');
    await answered(page);
    await page.locator('.thinking button').click();
    await accessible(page, 'answer');
    await shot(page, `answer-${theme}`);
    await page.getByRole('button', { name: 'Attempts' }).click();
    await expect(page.locator('.attempt').first()).toBeVisible();
    await page.locator('.attempt button').first().click();
    await accessible(page, 'attempts');
    await shot(page, `attempts-${theme}`);
    await page.getByRole('complementary').getByRole('button', { name: 'Close' }).click();
    await imported(page, 'Rich', [
      ['user', 'x'],
      ['assistant', '# T\n\n$$x^2$$\n\n```js\nconst a = 1; // one\n```\n\n[link](https://example.org)\n\n|a|\n|-|\n|1|\n\n> q'],
    ]);
    await accessible(page, 'rich text');
    await shot(page, `rich-${theme}`);
    await showList(page);
    await accessible(page, 'list');
    await shot(page, `list-${theme}`);
    for (const dialog of ['Settings', 'Users and usage', 'Keyboard shortcuts']) {
      await page.locator('nav').getByRole('button', { name: dialog }).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await accessible(page, dialog);
      await shot(page, `${dialog.toLowerCase().replaceAll(' ', '-')}-${theme}`);
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    }
    // Nothing is wider than the screen.
    if (isMobile) expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  });
}

test('the whole app is small; says how soon the first page is painted', async ({ page }) => {
  // Measured and printed, not judged: it depends on what else the machine does.
  const paints: number[] = [];
  for (let i = 0; i < 5; i++) {
    await page.goto('/');
    await expect(page.getByRole('heading', { name: 'What shall we work out?' })).toBeVisible();
    paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]!.startTime));
  }
  const paint = Math.min(...paints);
  const dist = join(import.meta.dirname, '../dist');
  let bytes = 0;
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const path = join(dist, name);
    if (!statSync(path).isFile()) continue;
    const packed = /\.(gz|woff2)$/.test(name);
    bytes += packed ? statSync(path).size : gzipSync(readFileSync(path)).length;
  }
  expect(bytes).toBeLessThan(600 * 1024);
  console.log(`web app: ${bytes} bytes compressed, first contentful paint, best of five, ${Math.round(paint)} ms`);
});
