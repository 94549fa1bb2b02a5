/** The server's API, as far as the page needs it. What goes wrong is an Error whose message is a sentence to show. */

/** The server said no. */
export class Refused extends Error {
  constructor(status, message, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** No answer came. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
  }
}

let asked = null;
let askForToken = async () => null;

/** ask: an async function that gives the token of this server, or null; called when the server wants one. */
export function onTokenWanted(ask) {
  askForToken = ask;
}

/** Whether the user gave a token, which the server now keeps in a cookie. Asks once, however many calls need it. */
function tokenGiven() {
  asked ??= askForToken()
    .then((token) => token !== null && fetch("v1/session", asJson({ token })))
    .finally(() => (asked = null));
  return asked;
}

function asJson(content) {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
}

function refused(status, text, retryAfter) {
  let sentence = `The server answered with the error ${status}.`;
  try {
    const problem = JSON.parse(text);
    if (typeof problem.detail === "string") sentence = problem.detail;
    else if (problem.title) sentence = problem.title;
  } catch {
    // no JSON: a proxy's own page, which nobody wants to read
  }
  return new Refused(status, sentence, Number(retryAfter) || null);
}

/** Throws Refused, Unreachable, or the AbortError of options.signal. */
export async function call(path, options = {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Unreachable();
    }
    if (response.status === 401 && (await tokenGiven())) continue;
    if (!response.ok) throw refused(response.status, await response.text(), response.headers.get("Retry-After"));
    return response;
  }
}

async function json(path, options) {
  return (await call(path, options)).json();
}

const of = (id) => `v1/requests/${encodeURIComponent(id)}`;

export const models = async () => (await json("v1/models")).models;
export const cancel = (id) => json(`${of(id)}/cancel`, { method: "PUT" });
export const retry = (id) => json(`${of(id)}/retry`, { method: "POST" });
export const remove = (id) => call(of(id), { method: "DELETE" });
export const source = async (id) => (await call(`${of(id)}/source`)).blob();

export const resultPath = (id, sample) => `${of(id)}/result?sample=${sample}`;
/** All results; of the requests in `picked` (ID:SAMPLE) only that one. */
export const archivePath = (picked) => `v1/archive?all_done=true&ids=${picked.map(encodeURIComponent).join(",")}`;
export function tilePath(id, kind, sample, level, x, y) {
  return `${of(id)}/tiles/${level}/${x}/${y}?of=${kind}&sample=${sample}`;
}

/** All of this browser's, newest first. */
export async function requests() {
  const all = [];
  for (let next = ""; next !== null; ) {
    const list = await json(`v1/requests${next && `?before=${encodeURIComponent(next)}`}`);
    all.push(...list.requests);
    ({ next } = list);
  }
  return all;
}

/** A picture of the server, decoded. */
export async function bitmap(path, options) {
  return createImageBitmap(await (await call(path, options)).blob());
}

/** The part {left, top, width, height} of the source of a request, upscaled at once. */
export function region(id, part, look, signal) {
  return bitmap(`${of(id)}/region`, { ...asJson({ ...part, ...look }), signal });
}

/** The multipart form of a photo and its settings; what is null or "" is left to the server. */
function formOf(file, settings) {
  const form = new FormData();
  for (const [name, value] of Object.entries(settings)) {
    if (value !== null && value !== "") form.append(name, value);
  }
  form.append("image", file, file.name);
  return form;
}

/** The whole photo, upscaled to a screen of width x height pixels. */
export function preview(file, settings, width, height, signal) {
  const body = formOf(file, { ...settings, screen_width: width, screen_height: height });
  return bitmap("v1/preview", { method: "POST", body, signal });
}

/**
 * Ask for a photo to be upscaled. key: the same for each try of the same photo, so that it is accepted once.
 * progress: called with the share that is sent. fetch cannot tell that, so this is an XMLHttpRequest.
 */
export function send(file, settings, key, signal, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "v1/requests");
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total));
    request.addEventListener("load", async () => {
      if (request.status === 201 || request.status === 200) resolve(JSON.parse(request.responseText));
      else if (request.status === 401 && (await tokenGiven())) resolve(send(file, settings, key, signal, progress));
      else reject(refused(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    });
    request.addEventListener("error", () => reject(new Unreachable()));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(formOf(file, settings));
  });
}

/** Each state of a request as it comes, until it has its last one or the connection breaks. */
export async function* events(id, signal) {
  const response = await call(`${of(id)}/events`, { signal, headers: { Accept: "text/event-stream" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) {
      const data = /^event: ?status$/m.test(block) && /^data: ?(.*)$/m.exec(block);
      if (data) yield JSON.parse(data[1]);
    }
  }
}

/** Let the browser save what is at a path. */
export function download(path) {
  const link = document.createElement("a");
  link.download = "";
  link.href = path;
  link.click();
}
