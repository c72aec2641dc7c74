import createClient from "openapi-fetch";
import type { paths } from "./api.js";

// The types are those of the document: a wrong path, parameter or member does
// not compile.
declare const process: { env: Record<string, string | undefined> };

const client = createClient<paths>({
  baseUrl: process.env["API"] ?? "",
  headers: { Authorization: `Bearer ${process.env["TOKEN"] ?? ""}` },
});

const { data, error } = await client.GET("/users/profile");
if (error || !data.success || data.data.id !== "user_alice") {
  throw new Error(`the profile is ${JSON.stringify(data ?? error)}`);
}
