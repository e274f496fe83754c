// When what is put off comes back.

/** Nine in the morning some days from now. */
export function morning(days: number): Date {
  const at = new Date();
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + days, 9);
}
