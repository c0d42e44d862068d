import { defineConfig, devices } from '@playwright/test';
import { existsSync } from 'node:fs';

// Debian's browser, where there is one; otherwise the one that `npx playwright install chromium` fetched.
const debian = '/usr/bin/chromium';
const launchOptions = existsSync(debian) ? { executablePath: debian, args: ['--no-sandbox'] } : {};

export default defineConfig({
  testDir: 'tests',
  outputDir: '../target/web-tests',
  // The model behind the server computes on all cores already.
  workers: 1,
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  use: { launchOptions, locale: 'en-GB', trace: 'retain-on-failure', actionTimeout: 60_000 },
  projects: [
    { name: 'desktop', use: { viewport: { width: 1280, height: 800 } } },
    { name: 'phone', use: { ...devices['Pixel 7'] } },
  ],
});
