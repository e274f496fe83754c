// Puts the form into the page where this script stands, and tells it where the visitor came from.
(function () {
  "use strict";
  var FORM = {};
  var me = document.currentScript;
  if (!me) return;
  var base = me.src.replace(/\/embed\.js([?#].*)?$/, "");

  function cookie(name) {
    var found = document.cookie.match(new RegExp("(?:^|; )" + name + "=([^;]*)"));
    return found ? decodeURIComponent(found[1]) : "";
  }
  function kept(store, key, make) {
    try {
      var value = window[store].getItem(key);
      if (!value) window[store].setItem(key, (value = make()));
      return value;
    } catch (error) {
      return make();
    }
  }
  function newCode() {
    var signs = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
    return Array.prototype.map.call(crypto.getRandomValues(new Uint8Array(5)), function (byte) { return signs[byte % signs.length]; }).join("");
  }
  // The first page of a visit has the tags of the campaign; later pages do not.
  function landing() {
    var query = new URLSearchParams(location.search), found = {};
    ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "yclid", "gclid"].forEach(function (name) {
      if (query.get(name)) found[name] = query.get(name);
    });
    if (document.referrer && new URL(document.referrer).host !== location.host) found.referrer = document.referrer;
    return JSON.stringify(found);
  }
  function attribution() {
    var now = landing();
    try { if (now !== "{}") sessionStorage.setItem("contact_form_landing", now); } catch (error) { /* storage may be forbidden */ }
    var found = JSON.parse(kept("sessionStorage", "contact_form_landing", landing));
    found.page = location.origin + location.pathname;
    var yandex = cookie("_ym_uid"), google = cookie("_ga").split(".").slice(-2).join(".");
    if (yandex) { found.client_id = yandex; found.client_id_source = "yandex"; }
    else if (google) { found.client_id = google; found.client_id_source = "google"; }
    found.visit_code = code;
    return found;
  }

  var code = kept("localStorage", "contact_form_code", newCode);
  function showCode() {
    Array.prototype.forEach.call(document.querySelectorAll("[data-contact-code]"), function (place) { place.textContent = code; });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", showCode);
  showCode();

  // A dark form on a light page would look broken: it is dark only where the page itself can be.
  var canBeDark = /dark/.test(getComputedStyle(document.documentElement).colorScheme);
  var light = (me.dataset.theme || (canBeDark ? "auto" : "light")) === "light";
  var frame = document.createElement("iframe");
  frame.title = FORM.title;
  frame.src = base + (light ? "?theme=light" : "") + "#from=" + encodeURIComponent(JSON.stringify(attribution()));
  frame.allow = "clipboard-write";
  frame.loading = "lazy";
  frame.style.cssText = "display:block;width:100%;max-width:640px;height:560px;border:0;color-scheme:" + (light ? "light" : "light dark");
  window.addEventListener("message", function (event) {
    if (event.source !== frame.contentWindow || !event.data || event.data.contactForm !== "height") return;
    var height = Number(event.data.height);
    if (height > 100 && height < 10000) frame.style.height = height + "px";
  });
  var target = me.dataset.target && document.querySelector(me.dataset.target);
  if (target) target.appendChild(frame);
  else me.parentNode.insertBefore(frame, me.nextSibling);
})();
