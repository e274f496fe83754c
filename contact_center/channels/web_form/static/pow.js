// Finds a counter whose SHA-256 with the challenge begins with enough zero bits. Plain SHA-256 rather than crypto.subtle,
// which is asynchronous for every single hash and missing on pages without TLS.
"use strict";
const K = new Int32Array(64);
const START = new Int32Array(8);
(function tables() {
  const root = (value, power) => ((value ** power % 1) * 0x100000000) | 0;
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (found < 8) START[found] = root(n, 1 / 2);
    K[found++] = root(n, 1 / 3);
  }
})();
const W = new Int32Array(64);
const rotate = (value, bits) => (value >>> bits) | (value << (32 - bits));

function block(state, bytes, offset) {
  for (let i = 0; i < 16; i++) W[i] = (bytes[offset + i * 4] << 24) | (bytes[offset + i * 4 + 1] << 16) | (bytes[offset + i * 4 + 2] << 8) | bytes[offset + i * 4 + 3];
  for (let i = 16; i < 64; i++) {
    const a = W[i - 15], b = W[i - 2];
    W[i] = (W[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + W[i - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10))) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const two = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

function sha256(bytes, state) {
  const padded = new Uint8Array(((bytes.length + 8) >> 6 << 6) + 64);
  padded.set(bytes);
  padded[bytes.length] = 128;
  new DataView(padded.buffer).setUint32(padded.length - 4, bytes.length * 8);
  state.set(START);
  for (let offset = 0; offset < padded.length; offset += 64) block(state, padded, offset);
}

function zeroBits(state) {
  for (let i = 0; i < 8; i++) if (state[i] !== 0) return i * 32 + Math.clz32(state[i]);
  return 256;
}

onmessage = (event) => {
  const challenge = event.data;
  const difficulty = Number(challenge.split(".")[1]);
  const encoder = new TextEncoder();
  const state = new Int32Array(8);
  for (let counter = 0; ; counter++) {
    sha256(encoder.encode(`${challenge}:${counter}`), state);
    if (zeroBits(state) >= difficulty) return postMessage(String(counter));
  }
};
