import type { Page } from '@playwright/test';
import { answered, ask, expect, imported, open, quick, showList, start, test as base } from './server';

// A server of its own: the first user changes it for everybody.
const test = base.extend<object, { server: string }>({
  server: [
    async ({}, use) => {
      const server = await start();
      await use(server.url);
      await server.stop();
    },
    { scope: 'worker' },
  ],
});

async function login(page: Page, name: string, password: string) {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function addUser(page: Page, name: string, password: string) {
  await page.getByRole('dialog').getByLabel('Name').fill(name);
  await page.getByRole('dialog').getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Add user' }).click();
}

test('the first user takes over, others have their own, and usage is counted', async ({ page, browser, server }) => {
  await open(page);
  await imported(page, 'From before', [['user', 'old'], ['assistant', '1']]);
  await showList(page);
  await page.getByRole('button', { name: 'Users and usage' }).click();
  await expect(page.getByText('Nobody has to log in yet')).toBeVisible();
  await addUser(page, 'Ann', 'short');
  await expect(page.getByRole('dialog').getByText('Ann')).toHaveCount(0);
  await addUser(page, 'Ann', 'correct horse battery');
  await expect(page.locator('dialog li')).toContainText(['Ann · Administrator']);
  await addUser(page, 'ann', 'correct horse battery');
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText("named 'ann' already");
  await addUser(page, 'Bob', 'staple battery horse');
  await expect(page.locator('dialog li')).toHaveCount(2);
  await page.getByRole('button', { name: 'Close' }).click();
  await quick(page, 'none', 4);
  await ask(page, 'Hello');
  await answered(page);

  // Bob sees nothing of Ann's, and is no administrator.
  const context = await browser.newContext({ baseURL: server });
  const bob = await context.newPage();
  await bob.goto('/');
  await login(bob, 'bob', 'wrong password here');
  await expect(bob.getByRole('alert')).toContainText('the name or the password is wrong');
  await login(bob, 'bob', 'staple battery horse');
  await expect(bob.getByRole('heading', { name: 'What shall we work out?' })).toBeVisible();
  await showList(bob);
  await expect(bob.getByText('No conversations yet')).toBeVisible();
  await expect(bob.getByRole('button', { name: 'Users and usage' })).toHaveCount(0);
  const refused = await bob.evaluate(async () => (await fetch('/api/users')).status);
  expect(refused).toBe(403);

  // A session that was ended elsewhere leads back to the door.
  await showList(page);
  await page.getByRole('button', { name: 'Users and usage' }).click();
  await expect(page.locator('dialog tbody tr').first()).toContainText(/user ann|User Ann/i);
  page.once('dialog', (dialog) => dialog.accept());
  await page.getByRole('button', { name: 'Remove Bob' }).click();
  await expect(page.locator('dialog li')).toHaveCount(1);
  await page.getByRole('button', { name: 'Close' }).click();
  await quick(bob, 'none');
  await ask(bob, 'Am I still here?');
  await expect(bob.getByRole('heading', { name: 'Log in to Strawberry' })).toBeVisible();
  await context.close();

  // Changing the password ends other sessions, logging out ends this one.
  await page.getByRole('main').getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel('Present password').fill('correct horse battery');
  await page.getByLabel('New password').fill('another long password');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('status')).toContainText('Password changed');
  await page.getByRole('button', { name: 'Close' }).click();
  await showList(page);
  await expect(page.getByRole('link', { name: 'From before' })).toBeVisible();
  await page.getByRole('button', { name: 'Log out' }).click();
  await login(page, 'Ann', 'correct horse battery');
  await expect(page.getByRole('alert')).toContainText('wrong');
  await login(page, 'Ann', 'another long password');
  await expect(page.getByLabel('Ask anything')).toBeVisible();
});
