import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import type { PageOptions, scene } from "./page.ts";

/** A Chromium that is installed on this machine; none is downloaded. */
export const CHROMIUM = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

const ROOT = new URL("../../", import.meta.url);
const HTML = `<!doctype html>
<title>guarded</title>
<script type="importmap">{ "imports": { "zod/mini": "/node_modules/zod/mini/index.js" } }</script>
<script type="module" src="/test/browser/page.ts"></script>`;

/** Serves the sources to pages, as a browser takes them. */
async function serveSources(): Promise<Server> {
  const server = createServer(({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    if (pathname === "/") {
      response.writeHead(200, { "content-type": "text/html" }).end(HTML);
      return;
    }
    void answerFile(pathname, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function answerFile(path: string, response: ServerResponse): Promise<void> {
  try {
    const text = await readFile(fileURLToPath(new URL(`.${path}`, ROOT)), "utf8");
    response.writeHead(200, { "content-type": "text/javascript" });
    response.end(path.endsWith(".ts") ? stripTypeScriptTypes(text) : text);
  } catch {
    response.writeHead(404).end();
  }
}

export interface GuardedPage {
  readonly page: Page;
  /** Addresses that the page asked for, of sockets too. */
  readonly addresses: readonly string[];
  readonly run: <Name extends keyof typeof scene>(
    name: Name,
  ) => Promise<Awaited<ReturnType<(typeof scene)[Name]>>>;
}

/** A browser, and a server of pages for it. */
export class Pages implements AsyncDisposable {
  readonly origin: string;
  readonly #browser: Browser;
  readonly #server: Server;

  private constructor(browser: Browser, server: Server) {
    this.#browser = browser;
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(): Promise<Pages> {
    const browser = await chromium.launch({
      executablePath: CHROMIUM ?? "",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    return new Pages(browser, await serveSources());
  }

  /** A page with a guard in it. */
  async guard(options: PageOptions): Promise<GuardedPage> {
    const page = await this.#browser.newPage();
    const addresses: string[] = [];
    page.on("request", (request) => addresses.push(request.url()));
    page.on("websocket", (socket) => addresses.push(socket.url()));
    await page.goto(this.origin);
    await page.waitForFunction("globalThis.scene !== undefined");
    await page.evaluate(`scene.begin(${JSON.stringify(options)})`);
    return { page, addresses, run: (name) => page.evaluate(`scene.${name}()`) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
