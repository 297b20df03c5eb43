"use strict";

// Starts `dispatcher lsp` and lets VS Code speak with it; all that is known of rules is there.

const { workspace, window } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const settings = workspace.getConfiguration("dispatcher");
  const server = { command: settings.get("command"), args: ["lsp"] };
  client = new LanguageClient("dispatcher", "dispatcher rules", server, {
    documentSelector: [{ language: "dispatcher-rules" }],
    initializationOptions: { snapshot: settings.get("snapshot") },
  });
  try {
    await client.start();
  } catch (error) {
    window.showErrorMessage(
      `\`${server.command} lsp\` does not start: ${error.message}. Set dispatcher.command to the path of dispatcher.`
    );
  }
}

async function stop() {
  if (client?.isRunning()) {
    await client.stop();
  }
}

exports.activate = async (context) => {
  context.subscriptions.push(
    workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("dispatcher")) {
        await stop();
        await start();
      }
    })
  );
  await start();
};

exports.deactivate = stop;
