#!/usr/bin/env node
// One headless visit on the embedded model, as `scripts/demo --check`: opens the page, asks a question, waits for the answer.
// Prints one JSON object, last on stdout; exits 0 only if the answer is the right fact.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { packageSizes } from '../../web/size.js';
import { launch } from './browsers.js';
import { serveDemo } from './site.js';
import { QUESTION, askOnPage, isRight, watchPage } from './visit.js';

const cv = JSON.parse(
  await readFile(path.resolve(import.meta.dirname, '../../web/demo/cv.json'), 'utf8'),
);

const hub = await serveDemo();
const browser = await launch('chromium');
let right = false;
try {
  const page = await browser.newPage();
  await watchPage(page);
  await page.goto(hub.origin);
  const visit = await askOnPage(page, QUESTION);
  right = isRight(visit.answer, cv);
  console.log(JSON.stringify({ ...visit, ...(await packageSizes()) }, null, 2));
} finally {
  await browser.close();
  await hub.close();
}
process.exitCode = right ? 0 : 1;
