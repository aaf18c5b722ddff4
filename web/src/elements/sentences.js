/**
 * The core's sentences. It names them by an id and parameters, each behind a tab (`noRoom\t2100000000\t1200000000`); they
 * are said here, once, where they reach the page.
 */
import { formatter } from './format.js';

/**
 * @typedef {import('../../bindings.d.ts').Snapshot} Snapshot
 *
 * @typedef {object} Tongue
 * @property {(count: string) => string} bytes an amount of bytes
 * @property {(words: string) => string} say a part of a sentence, by its id
 *
 * @typedef {string | ((parameters: string[], tongue: Tongue) => string)} Sentence
 */

const NO_SHADER_F16 = "this device's WebGPU has no 16-bit arithmetic (shader-f16)";

/** @param {string[]} parts */
const sentences = (...parts) => parts.filter(Boolean).join(' ');

/** English, by id: `setWords({ sentences })` replaces any of them. */
export const SENTENCES = /** @satisfies {Record<string, Sentence>} */ ({
  // The network and its servers.
  connectionLost: 'The connection to the server was lost.',
  bodyShort: 'The body ended early.',
  serverSilent: 'The server stopped sending.',
  serverProblem: ([status]) => `The server has a problem of its own (status ${status}).`,
  rateLimited: 'The server asks us to wait before fetching more.',
  addressExpired: "The server's download address had expired.",
  gated: 'This model is not open to everyone: its owner asks for a login or an agreement first.',
  notAtAddress: 'The model, or one of its files, is not at this address.',
  badAnswer: 'The server sent an answer that makes no sense.',
  unexpectedAnswer: ([status]) => `The server gave an unexpected answer (status ${status}).`,
  webPageCame: "A web page came instead of the model's file.",
  otherCame: ([file, what], { say }) => `The server's ${file} is ${say(what)}, not the file.`,
  strangerCame: "Something else came instead of the model's file.",
  lfsPointer: 'a Git LFS pointer',
  archive: 'an archive',
  xmlError: 'an error page in XML',
  jsonError: 'an error message in JSON',
  portal:
    'Web pages came instead of the model: this network asks for a login, or there is no model at this address.',
  arrivedDamaged: 'A file arrived damaged: it does not match its checksum.',
  fileChanging: 'A file changed on the server while it was being downloaded.',
  otherVersion: 'The server sent another version of a file; it is asked again.',
  offline: 'This device is offline. The download goes on when the connection is back.',
  unknown: 'Something went wrong.',
  wentWrong: 'Something went wrong on the way.',

  // This device's storage.
  diskFull: 'There is not enough room on this device for the model.',
  diskRefused: "The browser could not write to this device's storage.",
  noRoom: ([needed, free], { bytes }) =>
    `There is not enough room: the download needs ${bytes(needed)}, and this site may store ${bytes(free)} more.`,
  usedElsewhere: 'Another tab is using this model, so its files were not removed.',
  notRemoved: "The model's files could not be removed from this device.",

  // Why bytes were thrown away.
  bytesGone: 'Some bytes that were stored earlier are no longer on disk.',
  notFlushed: 'The last bytes of the earlier download had not reached the disk.',
  fileShorter: 'A file turned out to be shorter than what was stored of it.',
  fileDamaged: 'A file did not match its checksum.',
  fileDamagedTwice: 'A file was damaged in more than one place.',
  serverSendsDamage: "The server sends bytes that do not match the file's checksum.",
  fileUseless: 'A file could not be used, so it is fetched again.',
  fileChanged: 'A file changed on the server, so what was here of it is of no use.',

  // What was asked for.
  badHost: 'The address of the model Hub is not a web address.',
  badRepo: "The model's name is neither a name on the Hub nor a web address.",
  badRevision: 'The revision of the model is not a branch, tag or commit.',
  noSuchDtype: 'The page asks for a dtype that does not exist.',
  noSuchPart: 'The page asks for a dtype of a part that this model does not have.',
  noWebGpuHere: 'This model is set to run on WebGPU, which this browser does not offer.',
  dtypeMissing: ([dtype]) => `This model does not come in the dtype that was asked for, ${dtype}.`,
  dtypeNeedsShaderF16: ([dtype]) => `${dtype} was asked for on WebGPU, but ${NO_SHADER_F16}.`,

  // What the model's folder holds, and what of it suits this device.
  noWeights: "There are no ONNX weights in this model's folder.",
  weightsElsewhere:
    "This model's ONNX weights do not lie in its folder onnx, so the page has to say which file it means (the option `file`).",
  noSuchFile: 'The page asks for a file that this model does not have.',
  notTextWeights:
    "The only weights in this model's folder are not those of a model that writes text.",
  dataMissing: ([graph, data]) =>
    `This model is not complete: ${graph} keeps its weights in ${data}, which is not there.`,
  noFile: ([path]) => `This model's folder has no ${path}.`,
  nothingFits: "None of this model's weights can be used on this device.",
  severalParts:
    'This model is made of parts that have to work together, such as for images or sound; Candor runs text models of one part.',
  tooBigForMemory: ([size], { bytes }) =>
    `This model's weights take ${bytes(size)}, more than the memory of this device.`,
  tooBigForWasm: ([size, limit], { bytes }) =>
    `This model's weights take ${bytes(size)}, more than a browser can hold without WebGPU (${bytes(limit)}).`,
  variant: ([dtype, provider, asked, cause, missing, note], { say }) =>
    [
      `${say(dtype)} on ${say(provider)}`,
      asked && `: ${dtype} ${say(asked)}`,
      cause && (asked ? '; ' : ': ') + say(cause),
      missing && `; the model comes without ${missing}`,
      '.',
      note && ` ${say(note)}`,
    ]
      .filter(Boolean)
      .join(''),
  q4f16: '4-bit weights with 16-bit arithmetic',
  q4: '4-bit weights',
  bnb4: '4-bit weights',
  fp16: '16-bit weights',
  fp32: '32-bit weights',
  q8: '8-bit weights',
  int8: '8-bit weights',
  uint8: '8-bit weights',
  webgpu: 'WebGPU',
  wasm: 'the processor',
  asked: 'was asked for',
  processorAsked: 'the page asked for the processor',
  noWebGpu: 'this browser offers no WebGPU',
  shaderF16: "this device's WebGPU has 16-bit arithmetic (shader-f16)",
  noShaderF16: NO_SHADER_F16,
  forProcessor: 'WebGPU cannot compute with these',
  doNotFit: "they do not fit this device's WebGPU",
  softwareIsSlower: 'WebGPU runs in software here, which is slower',
  webGpuFailed: 'WebGPU could not run this model here',
  webGpuLostTwice: "this device's WebGPU was lost twice",
  webGpuFull: "this device's WebGPU has not enough memory for it",
  oneCore:
    'It computes on one core only; for more, the page must be sent with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.',
  software: 'WebGPU runs in software here, so answers will be slow.',

  // Lists of files, and what is wrong with one.
  list: ([fault], { say }) => `The model's list of files ${say(fault)}.`,
  hubList: ([fault], { say }) => `The model's list of files from the Hub ${say(fault)}.`,
  candorJson: ([fault], { say }) => `The model's candor.json ${say(fault)}.`,
  listLeadsNowhere: "The model's list of files on the Hub leads nowhere.",
  empty: 'is empty',
  tooLong: 'is too long to be real',
  webPage: 'is a web page, not a list of files',
  notJson: 'is not readable JSON',
  notList: 'is not a list',
  noList: 'has no list of files',
  unknownVersion: 'is of a version that this page does not know',
  noSize: 'has a file without a usable size',
  badSize: 'has a size that cannot be real',
  twoSizes: 'gives two sizes for one file',
  tooManyBytes: 'describes more bytes than can be real',
  noChecksum: 'has a large file without a checksum',
  notSha256: 'has a checksum that is not a SHA-256',
  notSha1: 'has an object name that is not a SHA-1',
  fileTwice: 'names the same file twice',
  fileAndFolder: 'names the same path as a file and as a folder',
  badPath: ([fault], { say }) =>
    `The model's list of files has a path that cannot be used: it ${say(fault)}.`,
  pathEmpty: 'is empty',
  pathTooLong: 'is too long',
  pathAbsolute: 'is absolute',
  pathControl: 'has a control character',
  pathBackslash: 'has a backslash',
  pathColon: 'has a colon',
  pathSegmentEmpty: 'has an empty segment',
  pathLeaves: 'has a segment that leaves the folder',
  pathSegmentTooLong: 'has a segment that is too long',

  // Sessions and answers.
  // With what our own code found to be wrong with a file.
  cannotRunHere: ([fault, more], { say }) =>
    sentences('This model cannot be run here.', say(fault), say(more)),
  retryFetches: 'To try again is to download it again.',
  outOfMemory: 'There is not enough memory for this model on this device.',
  deviceLost: 'The graphics device was lost; the model has to be loaded again from this device.',
  deviceLostLoading: 'The graphics device was lost while the model was being loaded.',
  filesUnreadable: ([fault], { say }) =>
    sentences("The model's files are complete, but the runtime cannot read them.", say(fault)),
  filesToFetchAgain: ([fault], { say }) =>
    sentences(
      "The model's files cannot be read.",
      say(fault),
      'To try again is to download them again.',
    ),
  configUnreadable: "The model's configuration is larger or deeper than can be read.",
  notStarted: 'The model is on this device, but it could not be started.',
  noAnswer: 'The model could not answer.',
  modelStopped: 'The model stopped working; it has to be loaded again from this device.',
  emptyPrompt: 'There is nothing to answer: the prompt has no tokens.',
  chatTooLong: ([tokens, limit]) =>
    `The conversation is too long for this model: it takes ${tokens} tokens, and the model can hold ${limit} with the answer.`,
  foreignTokenizer: ([token, size]) =>
    `The tokenizer does not belong to this model: it gave the token ${token} of ${size}.`,
  noSenseNumbers: 'The model computed numbers that make no sense on this device.',
  outOfTurn: 'The model was given what it had not asked for.',

  // Graphs.
  unknownInputs: ([names]) => `This model asks for inputs that Candor does not know: ${names}.`,
  notTextModel: 'This graph is not a text generation model with a key-value cache.',
  cacheLayers: ([graph, config]) =>
    `The graph has ${graph} layers of cache, but config.json says ${config}.`,
  cacheSkips: ([input]) => `The graph's cache skips a layer before ${input}.`,
  cacheType: ([input, type]) =>
    `The cache input ${input} has the type ${type}; only float32 or float16 throughout can be used.`,
  cacheDimensions: ([input]) => `The cache input ${input} does not have 4 dimensions.`,
  cacheSizeUnknown: 'Neither the graph nor config.json says how large the key-value cache is.',
  cacheSizesDiffer: 'config.json and the graph differ in the size of the key-value cache.',
  outputsMissing: 'The graph does not give logits and the whole key-value cache.',

  // The states of downloads.
  badKey: 'The model key is empty or too long.',
  unknownModel: 'No download of this model is known.',
  illegalTransition: 'The download is not in a state that allows this.',
  alreadyActive: 'A download of this model is already known here.',
  recordDamaged: 'The saved record is damaged.',
  recordForeign: 'The saved record belongs to something else.',
  recordOfFuture: 'The saved record was written by a later version.',
});

/**
 * What the core named, in words.
 * @param {string} words the id of a sentence and its parameters; a text that has no such id stays as it is
 * @param {string} [locale] of the numbers in it
 * @returns {string}
 */
export function say(words, locale = 'en') {
  const [id, ...parameters] = words.split('\t');
  if (!Object.hasOwn(SENTENCES, id)) return words;
  const sentence = /** @type {Record<string, Sentence>} */ (SENTENCES)[id];
  if (typeof sentence === 'string') return sentence;
  return sentence(parameters, {
    bytes: (count) => formatter(locale).bytes(Number(count)),
    // Where a parameter is missing, nothing is said.
    say: (part = '') => say(part, locale),
  });
}

/**
 * @template {{ message: string, detail?: string }} E
 * @param {E} error as the core gives it: its detail is text from outside, unless it begins with a tab
 * @param {string} [locale]
 * @returns {E}
 */
export function sayError(error, locale) {
  const { message, detail } = error;
  return {
    ...error,
    message: say(message, locale),
    ...(detail?.startsWith('\t') && { detail: say(detail.slice(1), locale) }),
  };
}

/** @param {Snapshot} snapshot as the core gives it @param {string} [locale] @returns {Snapshot} */
export function saySnapshot(snapshot, locale) {
  const { error, variant, discardedReason } = snapshot;
  return {
    ...snapshot,
    error: error && sayError(error, locale),
    variant: variant && { ...variant, reason: say(variant.reason, locale) },
    discardedReason: discardedReason && say(discardedReason, locale),
  };
}
