/** The photos of this page: those that are not sent yet, and those that the server has. */

import * as api from "./api.js";

/** Milliseconds between two looks at the server's list: while it works, and while it does not. */
const BUSY_WAIT = 1000;
const IDLE_WAIT = 20_000;
/** Seconds until a photo is sent again that the server had no room for, unless it says how many. */
const NO_ROOM_WAIT = 5;

const FROM_SERVER = ["status", "progress", "eta_s", "position", "settings", "result", "notes", "created", "expires"];
export const WORKING = ["queued", "running"];
export const UNSENT = ["ready", "sending", "waiting"];
const NO_ROOM = [429, 503, 507];

/**
 * An entry is a photo: what the server says of a request (see FROM_SERVER and source), and
 * key: of this page. id: of the server, or null. name. file: the File, or null after a reload.
 * status: that of the server, or "ready", "sending", "waiting" (for room). sendKey: the same for each try to send it
 * with the same settings. cancels: it is cancelled as soon as the server has answered.
 * own: settings that it is to be sent with, or null for those of all. edits: settings that differ from those it was
 * made with, or null. picked: the number of the version that was picked, or null.
 *
 * Events: "change" (detail: the entry, or null for several), "status" (detail: an entry whose status is new),
 * "online" (detail: whether the server answers).
 */
export class Queue extends EventTarget {
  entries = [];
  online = true;
  #wake = () => {};
  #sending = false;
  #followed = null;

  get(key) {
    return this.entries.find((entry) => entry.key === key);
  }

  with(...states) {
    return this.entries.filter((entry) => states.includes(entry.status));
  }

  /** A photo that waits until start() sends it. settings: its own, if it is not to have those of start(). */
  add(file, settings = null) {
    const entry = { ...fresh(), name: file.name, file, settings, own: settings, source: { name: file.name, bytes: file.size } };
    this.entries.push(entry);
    this.#changed(null);
    return entry;
  }

  /** Send photos with these settings. */
  start(entries, settings) {
    for (const entry of entries) {
      Object.assign(entry, { status: "waiting", progress: 0, error: null, settings: entry.own ?? settings });
      Object.assign(entry, { sendKey: newKey(), cancels: false, notBefore: 0 });
    }
    this.#changed(null);
    this.#sendNext();
  }

  async cancel(entry) {
    if (entry.id) {
      this.#take(entry, await api.cancel(entry.id));
    } else if (entry.status === "sending" && entry.progress === 1 && !entry.cancels) {
      entry.cancels = true; // the server has all of it, and makes it whether its answer is read or not
      this.#changed(entry);
    } else {
      entry.abort?.abort();
      this.#setStatus(entry, "ready");
    }
  }

  /** settings: for one that the server refused, so that it has none of it. */
  async retry(entry, settings) {
    if (entry.id) this.#take(entry, await api.retry(entry.id));
    else this.start([entry], settings);
    this.#wake();
  }

  async remove(entry) {
    entry.abort?.abort();
    this.entries = this.entries.filter((other) => other !== entry);
    this.#changed(null);
    if (entry.id) await api.remove(entry.id);
  }

  pick(entry, sample) {
    entry.picked = sample;
    localStorage.setItem(`leapsr-picked-${entry.id}`, sample);
    this.#changed(entry);
  }

  /** Follow this entry's progress closely while the server works on it. */
  async follow(entry) {
    if (this.#followed?.entry === entry) return;
    this.#followed?.abort.abort();
    this.#followed = null;
    if (!entry?.id || !WORKING.includes(entry.status)) return;
    const abort = new AbortController();
    const { signal } = abort;
    this.#followed = { entry, abort };
    try {
      for await (const state of api.events(entry.id, signal)) {
        if (this.entries.includes(entry)) this.#take(entry, state);
      }
    } catch {
      // the list is asked in any case, and says whether the server is there
    }
    if (signal.aborted) return;
    this.#followed = null;
    this.#wake();
  }

  /** Ask for the server's list again and again. */
  async watch() {
    for (;;) {
      let wait = IDLE_WAIT;
      try {
        const asked = Date.now();
        this.#takeAll(await api.requests(), asked);
        this.#setOnline(true);
      } catch (error) {
        if (error instanceof api.Unreachable) this.#setOnline(false);
        wait = 2 * BUSY_WAIT;
      }
      if (this.with(...WORKING).length) wait = BUSY_WAIT;
      await new Promise((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, wait);
      });
    }
  }

  #takeAll(states, asked) {
    const known = new Map(this.entries.filter((entry) => entry.id).map((entry) => [entry.id, entry]));
    const listed = new Set(states.map((state) => state.id));
    for (const state of states.toReversed()) {
      let entry = known.get(state.id);
      if (!entry) {
        if (this.#sending) continue; // perhaps one that is being sent, whose answer is still to come
        entry = { ...fresh(), id: state.id, status: state.status };
        const picked = localStorage.getItem(`leapsr-picked-${state.id}`);
        entry.picked = picked === null ? null : Number(picked);
        this.entries.push(entry);
      }
      this.#take(entry, state, false);
    }
    const stays = (entry) => !entry.id || listed.has(entry.id) || entry.sent > asked;
    for (const gone of this.entries.filter((entry) => !stays(entry))) {
      localStorage.removeItem(`leapsr-picked-${gone.id}`);
    }
    this.entries = this.entries.filter(stays);
    this.#changed(null);
  }

  /** What the server says of an entry. */
  #take(entry, state, announce = true) {
    const before = entry.status;
    for (const name of FROM_SERVER) entry[name] = state[name];
    entry.error = state.error?.detail ?? state.error;
    entry.source = state.source;
    entry.name = state.source.name;
    if (entry.status !== before) this.dispatchEvent(new CustomEvent("status", { detail: entry }));
    if (announce) this.#changed(entry);
  }

  /** One at a time, so that the server gets them in their order. */
  async #sendNext() {
    const waits = (entry) => entry.status === "waiting" && entry.notBefore <= Date.now();
    for (let entry; !this.#sending && (entry = this.entries.find(waits)); ) {
      this.#sending = true;
      await this.#send(entry);
      this.#sending = false;
      this.#wake();
    }
  }

  async #send(entry) {
    Object.assign(entry, { abort: new AbortController(), error: null });
    this.#setStatus(entry, "sending");
    const progress = (share) => {
      entry.progress = share;
      this.#changed(entry);
    };
    try {
      const state = await api.send(entry.file, entry.settings, entry.sendKey, entry.abort.signal, progress);
      // the list may have told of it before, where the first answer was lost
      this.entries = this.entries.filter((other) => other.id !== state.id);
      entry.id = state.id;
      entry.sent = Date.now();
      this.#take(entry, state);
    } catch (error) {
      this.#notSent(entry, error);
    }
    if (entry.cancels && entry.id) {
      const cancelled = await api.cancel(entry.id).catch(() => null); // the list tells what else became of it
      if (cancelled) this.#take(entry, cancelled);
    }
  }

  #notSent(entry, error) {
    if (error.name === "AbortError") return;
    if (error instanceof api.Unreachable || NO_ROOM.includes(error.status)) {
      if (entry.cancels && error.status) return this.#setStatus(entry, "ready"); // it has none of it
      const seconds = error.retryAfter ?? (error instanceof api.Unreachable ? 1 : NO_ROOM_WAIT);
      entry.error = error.message;
      entry.notBefore = Date.now() + 1000 * seconds;
      setTimeout(() => this.#sendNext(), 1000 * seconds + 50);
      this.#setStatus(entry, "waiting");
    } else {
      entry.error = error.message;
      this.#setStatus(entry, "failed");
    }
  }

  #setStatus(entry, status) {
    Object.assign(entry, { status, progress: 0 });
    this.dispatchEvent(new CustomEvent("status", { detail: entry }));
    this.#changed(entry);
  }

  #setOnline(online) {
    if (online === this.online) return;
    this.online = online;
    this.dispatchEvent(new CustomEvent("online", { detail: online }));
  }

  #changed(entry) {
    this.dispatchEvent(new CustomEvent("change", { detail: entry }));
  }
}

function newKey() {
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-");
}

function fresh() {
  return {
    key: newKey(),
    sendKey: null,
    cancels: false,
    id: null,
    name: "",
    file: null,
    status: "ready",
    progress: 0,
    eta_s: null,
    position: null,
    settings: null,
    source: null,
    result: null,
    error: null,
    created: null,
    expires: null,
    own: null,
    edits: null,
    picked: null,
    abort: null,
    notBefore: 0,
    sent: 0,
  };
}
