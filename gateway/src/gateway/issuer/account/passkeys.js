// Asks the browser for a passkey: to add one, or to sign in with one. Without this script the same pages
// go on with codes.
(() => {
  "use strict";
  const form = document.querySelector("form[data-question]");
  if (!form || !window.PublicKeyCredential) return;
  const part = form.querySelector("[data-passkey]");
  const button = part.querySelector("button");
  const failed = part.querySelector("[role=alert]");
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const publicKey = JSON.parse(form.dataset.question);
  publicKey.challenge = bytes(publicKey.challenge);
  if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
  for (const key of publicKey.excludeCredentials || []) key.id = bytes(key.id);
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  part.hidden = false;
  button.addEventListener("click", async () => {
    if (!form.reportValidity()) return;
    failed.hidden = true;
    button.disabled = true;
    try {
      const asked = publicKey.user
        ? navigator.credentials.create({ publicKey })
        : navigator.credentials.get({ publicKey });
      const key = await asked;
      const response = {};
      for (const name of parts) if (key.response[name]) response[name] = text(key.response[name]);
      form.elements.credential.value = JSON.stringify(
        { id: key.id, rawId: text(key.rawId), type: key.type, response });
      form.submit();
    } catch {
      button.disabled = false;
      failed.hidden = false;
      failed.focus();
    }
  });
})();
