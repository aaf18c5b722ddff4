/** A file's bytes at once, which only workers are given. @param {Blob} blob @returns {ArrayBuffer} */
export const readNow = (blob) => new FileReaderSync().readAsArrayBuffer(blob);
