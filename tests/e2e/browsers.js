import { execFileSync } from 'node:child_process';
import puppeteer from 'puppeteer-core';

/** @typedef {'chromium' | 'firefox'} BrowserName */

/** The first of `names` on the PATH, or the path in the environment variable. @param {string} variable @param {string[]} names */
function find(variable, names) {
  for (const name of [process.env[variable], ...names]) {
    if (!name) continue;
    try {
      return execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim();
    } catch {
      // Not this one.
    }
  }
  throw new Error(`no browser found: set ${variable}, or install one of ${names.join(', ')}`);
}

/**
 * A headless browser with WebGPU on a CPU: Chromium by SwiftShader (no shader-f16), Firefox by llvmpipe (shader-f16).
 * @param {BrowserName} name
 * @param {{ webgpu?: boolean, args?: string[], userDataDir?: string }} [options]
 */
export function launch(name, { webgpu = true, args = [], userDataDir } = {}) {
  // A whole answer of a model is one call, slow on a busy machine; a test has its own limit.
  const protocolTimeout = 600_000;
  if (name === 'firefox') {
    return puppeteer.launch({
      browser: 'firefox',
      protocolTimeout,
      executablePath: find('CANDOR_FIREFOX', ['firefox-esr', 'firefox']),
      userDataDir,
      args,
      extraPrefsFirefox: {
        'dom.webgpu.enabled': webgpu,
        'dom.webgpu.workers.enabled': webgpu,
        'gfx.webgpu.ignore-blocklist': true,
      },
    });
  }
  return puppeteer.launch({
    protocolTimeout,
    executablePath: find('CANDOR_CHROMIUM', ['chromium', 'chromium-browser', 'google-chrome']),
    userDataDir,
    args: [
      // SwiftShader, on any machine, so that a run means the same everywhere.
      ...(webgpu
        ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
        : ['--disable-features=WebGPU']),
      // Containers and root have no user namespaces for the sandbox.
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}
