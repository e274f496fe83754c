// How many parts a text message takes on its way: 3GPP TS 23.038 and 23.040. The server counts by the same rules.
const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENDED = new Set("^{}\\[~]|€\f");

export interface Segments {
  parts: number;
  /** Characters that still fit into the last part. */
  left: number;
}

export function segments(text: string): Segments {
  const units: number[] = [];
  for (const sign of text) {
    if (BASIC.has(sign)) units.push(1);
    else if (EXTENDED.has(sign)) units.push(2);
    else return split([...text].map((each) => each.length), 70, 67);
  }
  return split(units, 160, 153);
}

/** A sign never straddles two parts: neither an extended one nor a surrogate pair. */
function split(units: number[], alone: number, joined: number): Segments {
  const total = units.reduce((sum, unit) => sum + unit, 0);
  if (total <= alone) return { parts: total ? 1 : 0, left: alone - total };
  let [parts, used] = [1, 0];
  for (const unit of units) {
    if (used + unit > joined) [parts, used] = [parts + 1, 0];
    used += unit;
  }
  return { parts, left: joined - used };
}
