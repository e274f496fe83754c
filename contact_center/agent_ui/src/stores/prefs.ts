// How this person likes the console: language, theme, density, single keys. Kept in the browser.
import { defineStore } from "pinia";
import { reactive, watch } from "vue";

export type Theme = "system" | "light" | "dark";
export interface Prefs {
  language: "en" | "ru";
  theme: Theme;
  density: "comfortable" | "compact";
  singleKeys: boolean;
  /** Of whose tickets one wants to hear while looking elsewhere. */
  notify: "off" | "mine" | "all";
  sound: boolean;
  /** The first steps are done with, or hidden. */
  started: boolean;
}

const STORED = "cc.prefs";

function load(): Prefs {
  const language = navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en";
  const defaults: Prefs = { language, theme: "system", density: "comfortable", singleKeys: true, notify: "all", sound: false, started: false };
  try {
    return { ...defaults, ...JSON.parse(localStorage.getItem(STORED) ?? "{}") };
  } catch {
    return defaults;
  }
}

export const usePrefs = defineStore("prefs", () => {
  const prefs = reactive(load());
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const root = document.documentElement;
    root.dataset.theme = prefs.theme === "system" ? (dark.matches ? "dark" : "light") : prefs.theme;
    root.dataset.density = prefs.density;
    root.lang = prefs.language;
  };
  dark.addEventListener("change", show);
  watch(prefs, () => (localStorage.setItem(STORED, JSON.stringify(prefs)), show()), { immediate: true });
  return { prefs };
});
