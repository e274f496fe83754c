// The pages' one script: does the work against spam, sends without leaving the page, keeps the private page fresh.
"use strict";
(() => {
  const body = document.body;
  const words = JSON.parse(body.dataset.words);
  const WORK_LASTS = 8 * 60 * 1000; // the server takes it for ten minutes
  const MAX_FILES = 10, MAX_BYTES = 25 * 1024 * 1024;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const json = { headers: { Accept: "application/json" } };

  // Work: begun when somebody touches a form, so that it is done before they press the button.
  let work = null;
  function begin() {
    if (work && Date.now() - work.at < WORK_LASTS) return work.done;
    work = { at: Date.now(), done: solve() };
    work.done.catch(() => { work = null; });
    return work.done;
  }
  async function solve() {
    const response = await fetch(body.dataset.challenge, json);
    if (!response.ok) throw new Error("no challenge");
    const { challenge } = await response.json();
    const solution = await new Promise((resolve, reject) => {
      const worker = new Worker(body.dataset.worker);
      worker.onmessage = (event) => { worker.terminate(); resolve(event.data); };
      worker.onerror = (event) => { worker.terminate(); reject(event); };
      worker.postMessage(challenge);
    });
    return { challenge, solution };
  }

  // Errors, each at its field, the first one focused.
  const wrapper = (control) => control.closest(".field");
  function control(form, name) {
    return form.elements[`f-${name}`] || form.elements[name];
  }
  function clear(form) {
    all("[aria-invalid]", form).forEach((element) => element.removeAttribute("aria-invalid"));
    all(".error", form).forEach((element) => { element.hidden = true; element.textContent = ""; });
    tell(form, "");
    const done = one("[data-done]", form.closest(".card"));
    if (done) done.hidden = true;
  }
  function tell(form, text) {
    const notice = one("[data-notice]", form.closest(".card"));
    notice.textContent = text;
    notice.hidden = !text;
  }
  function show(form, errors) {
    let first = null;
    for (const [name, text] of Object.entries(errors)) {
      const element = control(form, name);
      if (!element) continue;
      element.setAttribute("aria-invalid", "true");
      const place = one(".error", wrapper(element));
      if (place) { place.textContent = text; place.hidden = false; }
      if (!first || element.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING) first = element;
    }
    tell(form, words.errors_title);
    if (first) first.focus();
  }
  function missing(form) {
    const errors = {};
    for (const element of all("[required]", form)) {
      const empty = element.type === "checkbox" ? !element.checked : !element.value.trim();
      const said = element.type === "checkbox" ? "consent_needed" : element.localName === "select" ? "bad_choice" : "required_field";
      if (empty) errors[element.name.replace(/^f-/, "")] = words[said];
    }
    return errors;
  }
  function tooMuch(form) {
    const files = all("input[type=file]", form).flatMap((element) => [...element.files]);
    return files.length > MAX_FILES || files.reduce((sum, file) => sum + file.size, 0) > MAX_BYTES;
  }

  async function send(form) {
    const button = one("[type=submit]", form);
    if (button.getAttribute("aria-disabled") === "true") return;
    clear(form);
    const errors = missing(form);
    if (Object.keys(errors).length) return show(form, errors);
    if (tooMuch(form)) return tell(form, words.too_much);
    const label = button.textContent;
    button.setAttribute("aria-disabled", "true");
    button.textContent = words.checking;
    try {
      await deliver(form, true);
    } catch {
      tell(form, words.failed);
    } finally {
      button.removeAttribute("aria-disabled");
      button.textContent = label;
    }
  }
  async function deliver(form, again) {
    const { challenge, solution } = await begin();
    form.elements.challenge.value = challenge;
    form.elements.solution.value = solution;
    form.elements.attribution.value = form.dataset.send === "form" ? JSON.stringify(attribution()) : "";
    const response = await fetch(form.action, { method: "POST", body: new FormData(form), ...json });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) {
      work = null; // each solution is good for one sending
      return arrived(form, answer);
    }
    if (answer.code === "refused" && again) { work = null; return deliver(form, false); }
    if (answer.code === "used") work = null;
    if (answer.errors) return show(form, answer.errors);
    tell(form, response.status === 413 ? words.too_much : answer.message || words.failed);
  }
  function arrived(form, answer) {
    if (form.dataset.send === "form") {
      one("main").innerHTML = answer.html; // the server's own markup, escaped there
      thanks();
      one("main > section").focus();
      return window.scrollTo(0, 0);
    }
    if (answer.moved) return location.assign(answer.moved);
    if (form.dataset.send === "message") form.reset();
    else form.hidden = true;
    all("input[type=file]", form).forEach(picked);
    const done = one("[data-done]", form.closest(".card"));
    done.textContent = form.dataset.send === "message" ? words.message_sent : words.called;
    done.hidden = false;
    look();
  }

  // Where the customer came from: told by the embedding page behind the #, or by this page's own address.
  const told = (() => {
    try {
      const value = new URLSearchParams(location.hash.slice(1)).get("from");
      return value ? JSON.parse(value) : null;
    } catch { return null; }
  })();
  function code() {
    try {
      const stored = localStorage.getItem("contact_form_code");
      if (stored) return stored;
      const made = newCode();
      localStorage.setItem("contact_form_code", made);
      return made;
    } catch { return newCode(); }
  }
  function newCode() {
    const signs = "23456789ABCDEFGHJKMNPQRSTVWXYZ"; // none that sound or look alike
    return [...crypto.getRandomValues(new Uint8Array(5))].map((byte) => signs[byte % signs.length]).join("");
  }
  const visit = told?.visit_code || (one("[data-code]") ? code() : "");
  function attribution() {
    if (told) return told;
    const found = { page: location.origin + location.pathname };
    for (const [name, value] of new URLSearchParams(location.search)) if (/^(utm_(source|medium|campaign|term|content)|yclid|gclid)$/.test(name)) found[name] = value;
    if (document.referrer) found.referrer = document.referrer;
    if (visit) found.visit_code = visit;
    return found;
  }

  // Thanks: the number comes when the message has been understood.
  function thanks() {
    const place = one("[data-thanks]");
    if (!place) return;
    const copy = one("[data-copy]", place);
    const link = new URL(place.dataset.thanks, location.href).href;
    copy.hidden = !navigator.clipboard;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(link).then(() => { copy.textContent = words.copied; }, () => { copy.hidden = true; });
    });
    // Loaded again and not opened anew: in a frame the address knows where the visitor came from.
    one(".again", place).addEventListener("click", (event) => { event.preventDefault(); location.reload(); });
    if (place.dataset.settled === "0") number(place, 0);
  }
  async function number(place, tries) {
    const answer = await state(place.dataset.thanks);
    const line = one(".number", place);
    if (answer?.number) line.textContent = line.dataset.number.replace("{number}", answer.number);
    else if (tries < 20) setTimeout(number, 700 + tries * 300, place, tries + 1);
    else line.hidden = true;
  }
  const state = (path) => fetch(path, json).then((response) => (response.ok ? response.json() : null), () => null);

  // The private page: looks for news by itself; what is being written stays untouched.
  async function look() {
    const ticket = one("[data-ticket]");
    const answer = ticket && (await state(location.pathname));
    if (!answer || answer.version === ticket.dataset.version) return;
    if (ticket.dataset.version === "0") return location.reload();
    ticket.dataset.version = answer.version;
    const fresh = new DOMParser().parseFromString(answer.summary + answer.thread, "text/html");
    one("[data-summary]", ticket).replaceWith(one("[data-summary]", fresh));
    const list = one(".thread", ticket);
    const entries = all(".thread > li", fresh);
    if (entries.length < list.children.length) list.replaceChildren();
    list.append(...entries.slice(list.children.length));
    times(ticket);
  }
  function times(root) {
    const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    for (const element of all("time", root)) element.textContent = format.format(new Date(element.dateTime));
  }

  // In a frame: no page around the form, and as tall as it is.
  if (window.parent !== window) {
    document.documentElement.classList.add("embedded");
    const grow = () => window.parent.postMessage({ contactForm: "height", height: Math.ceil(one("main").getBoundingClientRect().height) }, "*");
    new ResizeObserver(grow).observe(one("main"));
  }

  function picked(input) {
    one("[data-picked]", input.parentNode).textContent = [...input.files].map((file) => file.name).join(", ") || words.no_files;
  }

  for (const input of all("input[type=file]")) input.addEventListener("change", () => picked(input));
  for (const form of all("form[data-send]")) {
    form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
    form.addEventListener("input", () => { begin().catch(() => {}); }, { once: true });
    form.addEventListener("input", (event) => {
      const place = event.target.getAttribute("aria-invalid") && one(".error", wrapper(event.target));
      if (place) { event.target.removeAttribute("aria-invalid"); place.hidden = true; }
    });
  }
  for (const line of all("[data-code-line]")) { one("[data-code]", line).textContent = visit; line.hidden = !visit; }
  times(document);
  thanks();
  if (one("[data-ticket]")) {
    const every = one("[data-ticket]").dataset.version === "0" ? 1500 : 8000;
    setInterval(() => { if (!document.hidden) look(); }, every);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  }
})();
