// From a service to a closed referral, by openapi-fetch and the types that openapi-typescript made.
import createClient from "openapi-fetch";
import type { paths } from "./api";

const SALUD = "0190a000-0000-7000-8000-000000000002";

function client(token: string | undefined) {
  return createClient<paths>({
    baseUrl: process.env.RUTA ?? "",
    headers: { Authorization: `Bearer ${token}` },
  });
}

function made<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.status} ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

const us = client(process.env.REFUGIO);
const them = client(process.env.SALUD);
const once = () => ({ "Idempotency-Key": crypto.randomUUID() });

const page = made(
  await us.GET("/directory/v1/services", {
    params: { query: { organization_id: SALUD, referable: true, full: true } },
  }),
) as unknown as { contents: { id: string; categories: string[] }[] };
const service = page.contents[0]!;
const category = service.categories[0]!;
const person = made(
  await us.POST("/referrals/v1/cases", {
    params: { header: once() },
    body: { identity: { name: "Ana Ficticia", age: 27 }, area: "VE2313" },
  }),
);
const grant = made(
  await us.POST("/referrals/v1/consents", {
    params: { header: once() },
    body: {
      case_id: person.id,
      service_id: service.id,
      purpose: category,
      items: ["name", "situation"],
      method: "verbal",
    },
  }),
);
const draft = made(
  await us.POST("/referrals/v1/referrals", {
    params: { header: once() },
    body: {
      case_id: person.id,
      service_id: service.id,
      category,
      payload: { situation: "needs a consultation" },
      from_case: ["name"],
      safe_contact: { rule: "person_comes" },
    },
  }),
);
const path = { referral_id: draft.id };
made(
  await us.POST("/referrals/v1/referrals/{referral_id}/send", {
    params: { path },
    body: { grant_id: grant.id },
  }),
);
made(await them.GET("/referrals/v1/referrals/{referral_id}/disclosure", { params: { path } }));
made(
  await them.POST("/referrals/v1/referrals/{referral_id}/accept", {
    params: { path },
    body: { focal_point: "Dra. M." },
  }),
);
made(await them.POST("/referrals/v1/referrals/{referral_id}/start", { params: { path }, body: {} }));
const ended = made(
  await them.POST("/referrals/v1/referrals/{referral_id}/complete", {
    params: { path },
    body: { outcome: "delivered" },
  }),
);
console.log(ended.state);
