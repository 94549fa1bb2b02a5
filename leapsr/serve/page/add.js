/** Ways for photos to come in: dropped, pasted, chosen, a folder of them, or from the phone's camera. */

/** Of photos whose type browsers do not know. */
const SUFFIXES = /\.(jpe?g|jpe|jfif|png|webp|avif|tiff?|heic|heif|hif|bmp|gif|jp2|j2k|jpx|jxl)$/i;

/** take: called with photos, and with the number of files that are none. */
export function listen(take) {
  const give = (files) => {
    const photos = files.filter((file) => file.type.startsWith("image/") || SUFFIXES.test(file.name));
    if (files.length) take(photos, files.length - photos.length);
  };
  for (const input of document.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      give([...input.files].filter((file) => !file.name.startsWith(".")));
      input.value = "";
    });
  }
  for (const button of document.querySelectorAll("[data-opens]")) {
    button.addEventListener("click", () => document.getElementById(button.dataset.opens).click());
  }
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) give([...event.clipboardData.files]);
  });
  listenToDrops(give);
}

function listenToDrops(give) {
  let depth = 0; // of elements that the pointer is in: leaving one for its child is no end
  const over = (change) => {
    depth = change === 0 ? 0 : depth + change;
    document.documentElement.classList.toggle("dropping", depth > 0);
  };
  const hasFiles = (event) => event.dataTransfer.types.includes("Files");
  document.addEventListener("dragenter", (event) => hasFiles(event) && over(1));
  document.addEventListener("dragleave", (event) => hasFiles(event) && over(-1));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(0);
    const items = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
    const files = [...event.dataTransfer.files];
    give(items.some((item) => item?.isDirectory) ? (await Promise.all(items.map(filesIn))).flat() : files);
  });
}

/** The files of a dropped file or folder, in the order of their names; hidden ones are left out. */
async function filesIn(item) {
  if (!item || item.name.startsWith(".")) return [];
  if (item.isFile) return [await new Promise((resolve, reject) => item.file(resolve, reject))];
  const reader = item.createReader();
  const inside = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // 100 at most
    if (!some.length) break;
    inside.push(...some);
  }
  inside.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  return (await Promise.all(inside.map(filesIn))).flat();
}
