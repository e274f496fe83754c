// Finds a counter whose SHA-256 with the challenge begins with enough zero bits. Plain SHA-256 rather than crypto.subtle,
// which is asynchronous for every single hash and missing on pages without TLS.
"use strict";
const K = new Int32Array(64);
const START = new Int32Array(8);
const W = new Int32Array(64);

// The constants are the fractions of the roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3).
for (let n = 2, found = 0; found < 64; n++) {
  let prime = true;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
  if (!prime) continue;
  if (found < 8) START[found] = ((n ** (1 / 2)) % 1) * 0x100000000;
  K[found++] = ((n ** (1 / 3)) % 1) * 0x100000000;
}

const rotate = (value, bits) => (value >>> bits) | (value << (32 - bits));

function block(state, bytes, at) {
  for (let i = 0; i < 16; i++, at += 4) W[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  for (let i = 16; i < 64; i++) {
    const a = W[i - 15], b = W[i - 2];
    W[i] = W[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + W[i - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10));
  }
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i++) {
    const one = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const two = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

function zeroBits(state) {
  for (let i = 0; i < 8; i++) if (state[i] !== 0) return i * 32 + Math.clz32(state[i]);
  return 256;
}

function solve(challenge, difficulty) {
  const bytes = new Uint8Array(256);
  const { written } = new TextEncoder().encodeInto(`${challenge}:`, bytes);
  const whole = written - (written % 64); // these blocks are the same for every counter
  const begun = START.slice(), state = new Int32Array(8), view = new DataView(bytes.buffer);
  for (let at = 0; at < whole; at += 64) block(begun, bytes, at);
  for (let counter = 0; ; counter++) {
    const digits = String(counter);
    const length = written + digits.length;
    const end = ((length + 8) >> 6 << 6) + 64;
    bytes.fill(0, written, end);
    for (let i = 0; i < digits.length; i++) bytes[written + i] = digits.charCodeAt(i);
    bytes[length] = 128;
    view.setUint32(end - 4, length * 8);
    state.set(begun);
    for (let at = whole; at < end; at += 64) block(state, bytes, at);
    if (zeroBits(state) >= difficulty) return digits;
  }
}

onmessage = (event) => postMessage(solve(event.data, Number(event.data.split(".")[1])));
