// Sends the form of an operation and shows what comes back, as text.

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { method, path, unreachable } = form.dataset;
    const [output, shown] = [form.querySelector("output"), form.querySelector("pre")];
    const query = new URLSearchParams();
    let address = path;
    for (const input of form.querySelectorAll("input[data-in]")) {
      // The slashes of a document's id are part of its path.
      const encoded = input.value.split("/").map(encodeURIComponent).join("/");
      if (input.dataset.in === "path") address = address.replace(`{${input.name}}`, encoded);
      else if (input.value) query.append(input.name, input.value);
    }
    const headers = { "accept-language": document.documentElement.lang };
    const token = document.getElementById("token")?.value.trim();
    if (token) headers.authorization = `Bearer ${token}`;
    const json = form.querySelector("textarea")?.value;
    if (json !== undefined) headers["content-type"] = "application/json";
    const body = json ?? form.querySelector("input[type=file]")?.files[0];
    output.textContent = "…";
    try {
      const response = await fetch(`${address}${query.size ? `?${query}` : ""}`, { method, headers, body });
      const text = await response.text();
      output.textContent = `${response.status} ${response.statusText}`;
      shown.textContent = pretty(text);
      shown.hidden = !text;
    } catch {
      output.textContent = unreachable;
    }
  });
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
