import { watch, type Ref } from "vue";

/**
 * Enter in a box whose answer comes later. It means the answer to the words that stand there: where that is not there yet it is kept
 * for it, and it never takes what was found by other words. Whoever types on has not meant it.
 * `asked`: the words whose answer is there.
 */
export function useEnter(words: Readonly<Ref<string>>, asked: Ref<string | null>, go: () => void): () => void {
  let entered = false;
  watch(words, () => (entered = false));
  watch(asked, () => entered && enter(), { flush: "post" });
  function enter(): void {
    entered = asked.value !== words.value;
    if (!entered) go();
  }
  return enter;
}
