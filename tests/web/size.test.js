import assert from 'node:assert/strict';
import test from 'node:test';
import { LIMITS, packageSizes } from '../../web/size.js';

const sizes = await packageSizes();

for (const name of /** @type {const} */ (['coreGzipBytes', 'webGzipBytes'])) {
  test(`${name} is at most ${LIMITS[name]}`, () => {
    assert.ok(sizes[name] > 1000, 'something was measured');
    assert.ok(sizes[name] <= LIMITS[name], `${name} is ${sizes[name]}`);
  });
}
