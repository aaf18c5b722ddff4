// What a visitor does on the demo page, and what is measured meanwhile. Used by the browser tests and by the headless check.

/** @typedef {import('puppeteer-core').Page} Page */

/** A question with one right answer, from web/demo/cv.json. */
export const QUESTION = 'Where does she work now?';

/**
 * Whether the answer names the fact that QUESTION asks for.
 * @param {string} answer
 * @param {{ employment: { employer: string }[] }} cv
 */
export function isRight(answer, cv) {
  return answer.includes(cv.employment[0].employer);
}

/** Before the page is opened: keeps the tasks of its main thread that took over 50 ms. @param {Page} page */
export function watchPage(page) {
  return page.evaluateOnNewDocument(() => {
    const tasks = /** @type {{ at: number, ms: number }[]} */ ([]);
    Object.assign(globalThis, { longTasks: tasks });
    if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) return;
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        tasks.push({ at: startTime, ms: duration });
      }
    }).observe({ type: 'longtask', buffered: true });
  });
}

/**
 * Types a question into the demo's chat, which loads the model that is chosen if none is ready, and waits for the whole answer.
 *
 * @param {Page} page
 * @param {string} question
 * @param {{ key?: string, timeoutMs?: number }} [options]
 */
export async function askOnPage(page, question, { key = 'mini', timeoutMs = 180_000 } = {}) {
  await page.waitForSelector('html[data-ready]');
  await page.evaluate((modelKey) => {
    const state = /** @type {any} */ (globalThis);
    state.visit = { began: performance.now(), phases: {}, firstPieceAt: null };
    const { loader } = /** @type {any} */ (document.querySelector('#progress'));
    state.visit.unsubscribe = loader.subscribe(modelKey, (/** @type {any} */ snapshot) => {
      if (snapshot.phase) state.visit.phases[snapshot.phase] = Math.round(snapshot.phaseElapsed);
      state.visit.snapshot = snapshot;
    });
    new MutationObserver((_, observer) => {
      const answers = document.querySelectorAll('#log .message.assistant p:not(.who)');
      if (!answers[answers.length - 1]?.textContent) return;
      state.visit.firstPieceAt = performance.now();
      observer.disconnect();
    }).observe(/** @type {Element} */ (document.querySelector('#log')), {
      childList: true,
      characterData: true,
      subtree: true,
    });
  }, key);
  const before = await page.$$eval('#log .message.assistant', (messages) => messages.length);
  await page.type('#question', question);
  await page.click('#send');
  await page.waitForFunction(
    (/** @type {number} */ count) => {
      const messages = document.querySelectorAll('#log .message.assistant');
      return messages.length > count && !messages[messages.length - 1].hasAttribute('aria-busy');
    },
    { timeout: timeoutMs },
    before,
  );
  return page.evaluate(async (text) => {
    const { visit, longTasks } = /** @type {any} */ (globalThis);
    visit.unsubscribe();
    const { snapshot, phases, began, firstPieceAt } = visit;
    const message = [...document.querySelectorAll('#log .message.assistant')].at(-1);
    const { loader } = /** @type {any} */ (document.querySelector('#progress'));
    // The same question once more, timed from its first token: the speed of decoding alone.
    const model = await loader.load(snapshot.modelKey);
    const pieces = model.chat([{ role: 'user', content: text }], { temperature: 0 });
    await pieces.next();
    const from = performance.now();
    let step = await pieces.next();
    while (!step.done) step = await pieces.next();
    const tokens = step.value.tokens - 1;
    return {
      variant: snapshot.variant,
      bytes: snapshot.totalDownloaded,
      phases,
      firstTokenMs: Math.round(firstPieceAt - began),
      tokensPerSecond: Math.round((tokens / (performance.now() - from)) * 1e4) / 10,
      question: text,
      answer: message?.querySelector('p:not(.who)')?.textContent ?? '',
      longestTaskMs: Math.round(
        Math.max(
          0,
          ...longTasks
            .filter(
              (/** @type {{ at: number }} */ task) => task.at >= began && task.at <= firstPieceAt,
            )
            .map((/** @type {{ ms: number }} */ task) => task.ms),
        ),
      ),
    };
  }, question);
}
