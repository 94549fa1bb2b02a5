/** The page: what the user does on one side, the queue, the stage and the form on the other. */

import * as add from "./add.js";
import * as api from "./api.js";
import { VisiblePart } from "./dial.js";
import { decode, pictureOf, preview, release } from "./pictures.js";
import { Queue, UNSENT, WORKING } from "./queue.js";
import { SettingsForm, changedLook, forPreview, sameSettings, sizeOfResult } from "./settings.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";
import { TileStore } from "./tiles.js";
import { bytes, count, dimensions, duration, megapixels, moment, state } from "./words.js";

/** Milliseconds that a control rests before the server is asked for what it would do. */
const REST = 150;

const byId = (id) => document.getElementById(id);
const store = new TileStore(() => stage.draw());
const stage = new Stage(byId("stage"), store);
const form = new SettingsForm(byId("settings"));
const queue = new Queue();
const strip = new Strip(byId("strip"), act);
const part = new VisiblePart(stage, (words) => show(byId("dial-note"), words));
/** The entry whose picture is on the stage, or null. */
let selected = null;
/** Settings of photos that are still to be sent. */
let draft = form.read();
/** Settings that the selected result was made with, as the form reads them. */
let made = null;
/** Of which photo and settings the last preview was asked for, and how to stop it. */
let previewed = null;
let previewAbort = new AbortController();

function show(element, words) {
  element.textContent = words;
  element.hidden = !words;
}

/** Tell those who do not see it. */
function say(words) {
  byId("live").textContent = words;
}

function attempt(action) {
  return action.catch((error) => {
    if (error.name !== "AbortError") say(error.message);
    if (error.name !== "AbortError" && selected) show(byId("dial-note"), error.message);
  });
}

// Selecting

function select(entry) {
  if (selected === entry) return;
  const before = selected;
  selected = entry;
  attempt(part.show(null, null));
  previewAbort.abort();
  previewed = null;
  showSettings();
  stage.overlay = byId("overlay").checked = false;
  byId("legend").hidden = true;
  showPicture(false);
  if (before) release(before);
  render();
  if (!entry) return;
  strip.reveal(entry);
  attempt(queue.follow(entry));
  if (entry.status !== "done") prepare(entry);
  settingsChanged();
}

/** Those that the selected photo was made with, or will be. */
function showSettings() {
  if (selected?.id && !UNSENT.includes(selected.status)) {
    form.write(selected.settings);
    made = form.shown;
    if (selected.edits) form.write(selected.edits);
  } else {
    made = null;
    form.write(selected?.own ?? draft);
  }
}

/** Those that Upscale sends: what is ready, and the one in view if the server refused it. */
function toSend() {
  const isRefused = ({ id, status }) => id === null && status === "failed";
  return queue.entries.filter((entry) => entry.status === "ready" || (entry === selected && isRefused(entry)));
}

/** Show a photo before there is a result of it. */
async function prepare(entry) {
  await decode(entry);
  if (entry !== selected) release(entry);
  else if (entry.status !== "done") showPicture(true);
  render();
}

function showPicture(keep) {
  const picture = selected && pictureOf(selected, store);
  const picked = selected?.picked ?? null;
  Object.assign(stage, { picked, chosen: picked ?? 0 });
  stage.show(picture, keep && stage.picture !== null);
  const nothing = selected?.status === "failed" ? "" : "Your photo is on its way.";
  show(byId("nothing"), selected && !picture ? nothing : "");
  const versions = picture?.results.length ?? 0;
  byId("versions-mode").hidden = versions < 2;
  if (versions < 2 && stage.mode === "versions") setMode("slider");
  if (versions > 1 && selected.picked === null) setMode("versions");
  byId("overlay-toggle").hidden = !picture?.detail;
}

function setMode(mode) {
  document.querySelector(`input[name=mode][value=${mode}]`).checked = true;
  stage.set({ mode });
}

// Settings

const settingsChanged = rested(() => {
  if (!selected || !byId("settings").checkValidity()) return;
  if (made) attempt(part.show(selected, selected.status === "done" ? changedLook(made, form.shown) : null));
  else if (toSend().includes(selected)) attempt(makePreview(selected));
});

async function makePreview(entry) {
  const settings = forPreview(form.read());
  const wanted = JSON.stringify([entry.key, settings]);
  if (previewed === wanted) return;
  previewed = wanted;
  previewAbort.abort();
  previewAbort = new AbortController();
  const { signal } = previewAbort;
  const { canvas } = stage;
  const within = (pixels) => Math.min(8192, Math.max(16, pixels));
  const screen = { width: within(canvas.width), height: within(canvas.height) };
  show(byId("dial-note"), "Making the preview");
  try {
    await preview(entry, settings, screen, signal);
    show(byId("dial-note"), "");
  } catch (error) {
    if (error.name === "AbortError") return;
    previewed = null;
    show(byId("dial-note"), error.message);
    return;
  }
  if (entry === selected) showPicture(true);
  else release(entry);
  render();
}

/** The function, called when the page has been at rest for a moment. */
function rested(action) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, REST);
  };
}

form.addEventListener("input", () => {
  if (made) selected.edits = sameSettings(made, form.shown) ? null : form.read();
  else if (selected?.own) selected.own = form.read();
  else draft = form.read();
  render();
  settingsChanged();
});

byId("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!made) queue.start(toSend(), draft);
  else if (selected.edits) attempt(again(selected, selected.edits));
});

/** The same photo with other settings: a new entry. */
async function again(entry, settings) {
  entry.edits = null; // at once, so that a second click asks for no second copy
  render();
  let source = entry.file;
  try {
    source ??= new File([await api.source(entry.id)], entry.name);
  } catch (error) {
    entry.edits = settings;
    render();
    throw error;
  }
  const copy = queue.add(source, settings);
  Object.assign(copy, { card: entry.card, source: { ...entry.source } });
  queue.start([copy], settings);
  select(copy);
}

// Acting on photos

function act(action, entry) {
  const actions = {
    open: () => select(entry),
    cancel: () => attempt(queue.cancel(entry)),
    retry: () => attempt(queue.retry(entry, draft)),
    download: () => api.download(api.resultPath(entry.id, entry.picked ?? 0)),
    remove: () => remove(entry),
  };
  actions[action]();
}

function remove(entry) {
  const index = queue.entries.indexOf(entry);
  attempt(queue.remove(entry));
  if (entry === selected) select(queue.entries[Math.min(index, queue.entries.length - 1)] ?? null);
}

for (const action of ["cancel", "retry", "download"]) {
  byId(`caption-${action}`).addEventListener("click", () => act(action, selected));
}
byId("retry-failed").addEventListener("click", () => queue.with("failed").forEach((entry) => act("retry", entry)));
byId("cancel-all").addEventListener("click", () => {
  queue.with("waiting", "sending", ...WORKING).forEach((entry) => act("cancel", entry));
});
byId("remove-done").addEventListener("click", () => {
  if (!confirm("Remove these photos and their results from the server?")) return;
  queue.with("done", "failed", "cancelled").forEach(remove);
});
byId("download-all").addEventListener("click", () => {
  const picked = queue.with("done").filter((entry) => entry.picked !== null);
  api.download(api.archivePath(picked.map((entry) => `${entry.id}:${entry.picked}`)));
});

add.listen((photos, others) => {
  const entries = photos.map((file) => queue.add(file));
  if (others) say(`${count(others, "file")} left out: no photos.`);
  if (entries.length) say(`${count(entries.length, "photo")} added.`);
  if (entries.length) select(entries[0]);
  attempt(decodeAll(entries));
});

/** For their small pictures; one after the other, so that memory holds one whole photo at a time. */
async function decodeAll(entries) {
  for (const entry of entries) {
    await decode(entry);
    if (entry !== selected) release(entry);
    render();
  }
}

// The picture area

for (const input of document.querySelectorAll("input[name=mode]")) {
  input.addEventListener("change", () => {
    stage.set({ mode: input.value });
    settingsChanged();
  });
}
byId("overlay").addEventListener("change", (event) => {
  stage.set({ overlay: event.target.checked });
  byId("legend").hidden = !event.target.checked;
});
byId("zoom-in").addEventListener("click", () => stage.zoomBy(1.5));
byId("zoom-out").addEventListener("click", () => stage.zoomBy(1 / 1.5));
byId("zoom-one").addEventListener("click", () => stage.zoomTo(1));
byId("zoom-fit").addEventListener("click", () => stage.zoomTo(null));
byId("full-screen").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId("viewer").requestFullscreen();
});
stage.addEventListener("view", () => {
  byId("zoom-value").textContent = `${Math.round(100 * stage.view.zoom)} %`;
  if (made && selected?.edits) settingsChanged();
});
stage.addEventListener("choose", ({ detail }) => {
  queue.pick(selected, detail);
  stage.set({ chosen: detail, picked: detail });
  say(`Version ${detail + 1} picked.`);
});

// What the queue tells

queue.addEventListener("change", () => render());
queue.addEventListener("status", ({ detail: entry }) => {
  if (entry.status === "done") say(`${entry.name} is done: ${dimensions(entry.result.width, entry.result.height)}.`);
  if (entry.status === "failed") say(`${entry.name} failed: ${entry.error}`);
  if (entry !== selected) return;
  if (WORKING.includes(entry.status)) attempt(queue.follow(entry));
  if (entry.id && !made) {
    form.write(entry.settings);
    made = form.shown;
  }
  if (entry.status === "done") showPicture(true);
});
queue.addEventListener("online", ({ detail: online }) => {
  byId("offline").hidden = online;
  if (online) settingsChanged();
});

// Showing all that

const render = onceAFrame(() => {
  const { entries } = queue;
  if (selected && !entries.includes(selected)) select(entries.at(-1) ?? null);
  if (!selected && entries.length) select(entries.find((entry) => entry.status === "running") ?? entries.at(-1));
  document.body.classList.toggle("working", entries.length > 0);
  byId("welcome").hidden = entries.length > 0;
  if (entries.length) loadModels();
  for (const id of ["viewer", "photos", "settings"]) byId(id).hidden = !entries.length;
  strip.show(entries, selected);
  renderSummary();
  renderCaption();
  renderForm();
});

let modelsLoad = false;

/** Once there is something to choose one for: with their cards they are larger than this page. */
function loadModels() {
  if (modelsLoad) return;
  modelsLoad = true;
  const shown = (models) => {
    form.setModels(models);
    showSettings(); // what follows from a model, such as its scale, was not known before
    render();
    settingsChanged();
  };
  attempt(api.models().then(shown));
}

function onceAFrame(action) {
  let frame = 0;
  return () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      action();
    });
  };
}

function renderSummary() {
  const [done, failed, ready] = [queue.with("done"), queue.with("failed"), queue.with("ready")];
  const active = queue.with("sending", "waiting", ...WORKING);
  const seconds = active.reduce((most, entry) => Math.max(most, entry.eta_s ?? 0), 0);
  const words = [
    active.length && `${active.length} to do${seconds ? `, ${duration(seconds)}` : ""}`,
    ready.length && `${ready.length} ready`,
    done.length && `${done.length} done`,
    failed.length && `${failed.length} failed`,
  ];
  byId("summary").textContent = words.filter(Boolean).join(" · ") || "Nothing to do";
  byId("retry-failed").hidden = failed.length < 2;
  byId("cancel-all").hidden = active.length < 2;
  byId("remove-done").hidden = done.length + failed.length + queue.with("cancelled").length < 2;
  byId("download-all").hidden = done.length < 2;
  byId("download-all").textContent = `Download all ${done.length}`;
  document.title = active.length ? `${done.length} of ${done.length + active.length} · leapsr` : "leapsr";
}

function renderCaption() {
  if (!selected) return;
  const { status, result, source, expires, error, progress, notes } = selected;
  byId("caption-name").textContent = selected.name;
  let words = state(selected);
  if (status === "ready" || status === "waiting") {
    const known = source?.width ? `${dimensions(source.width, source.height)} pixels, ` : "";
    words = `${known}${bytes(source.bytes)}, ${error ?? words}`;
  } else if (status === "done") {
    const size = `${dimensions(result.width, result.height)} pixels, ${megapixels(result.width, result.height)}`;
    const until = expires ? `, kept until ${moment(expires)}` : "";
    words = `${size}, ${result.format.toUpperCase()} of ${bytes(result.bytes)}${until}`;
  } else if (status === "failed") {
    words = error;
  }
  byId("caption-state").textContent = [words, ...(notes ?? [])].join(" · ");
  byId("caption-state").classList.toggle("bad", status === "failed");
  byId("caption-progress").hidden = !["sending", "running", "queued"].includes(status);
  byId("caption-progress").value = status === "queued" ? 0 : progress;
  byId("caption-cancel").hidden = !["sending", "waiting", ...WORKING].includes(status);
  byId("caption-retry").hidden = !["failed", "cancelled"].includes(status);
  byId("caption-download").hidden = status !== "done";
}

function renderForm() {
  const ready = toSend().length;
  const go = byId("go");
  byId("settings-title").textContent = made || selected?.own ? `Settings of ${selected.name}` : "Settings";
  if (made) {
    go.textContent = "Upscale again like this";
    go.disabled = !selected.edits;
  } else {
    go.textContent = ready > 1 ? `Upscale ${ready} photos` : "Upscale";
    go.disabled = !ready;
  }
  const { width, height } = selected?.source ?? {};
  const becomes = width ? sizeOfResult(form.read(), width, height) : null;
  byId("size-becomes").textContent = becomes ? `${dimensions(...becomes)} pixels, ${megapixels(...becomes)}` : "";
}

// Beginning

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = getComputedStyle(root).colorScheme === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("leapsr-theme", root.dataset.theme);
});
byId("help").addEventListener("click", () => byId("keys").showModal());
addEventListener("beforeunload", (event) => {
  if (queue.with(...UNSENT).length) event.preventDefault();
});
api.onTokenWanted(
  () =>
    new Promise((resolve) => {
      const dialog = byId("token");
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "use" ? byId("token-value").value : null), { once: true });
      dialog.showModal();
    }),
);
attempt(queue.watch());
