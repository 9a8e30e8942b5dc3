// Receives Ruta's webhook calls: PORT=9000 WEBHOOK_SECRET=whsec_… node webhook_receiver.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");

function isGenuine(headers, body) {
  const sent = headers["webhook-timestamp"] ?? "0";
  const content = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sent}.`), body]);
  const signed = createHmac("sha256", key).update(content).digest();
  const given = (headers["webhook-signature"] ?? "").split(" ").map((each) => Buffer.from(each.slice(3), "base64"));
  const right = given.some((each) => each.length === signed.length && timingSafeEqual(each, signed));
  return right && Math.abs(Date.now() / 1000 - Number(sent)) <= 300;
}

createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const genuine = isGenuine(request.headers, body);
  if (genuine) console.log(JSON.parse(body).type); // store it, answer, and then read the referral
  response.writeHead(genuine ? 204 : 401).end();
}).listen(Number(process.env.PORT), "127.0.0.1");
