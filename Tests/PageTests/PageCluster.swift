import Foundation
import TestSupport

/// A cluster with the page, two workers, and a browser on it.
struct PageCluster {
    let cluster: Cluster
    let browser: Browser
    /// `http://127.0.0.1:PORT`.
    let site: String

    static func with(
        options: [String] = [], workers: [String] = ["piano", "organ"], _ body: (PageCluster) async throws -> Void
    ) async throws {
        let file = try TestFolder.place("http")
        let all = ["--http", "127.0.0.1:0", "--http-endpoint-file", file] + options
        try await withCluster(Cluster.Options(models: ["music-box"], coordinator: all)) { cluster in
            try await wait(for: "the HTTP API to listen") { FileManager.default.fileExists(atPath: file) }
            let site = try String(contentsOfFile: file, encoding: .utf8)
            for name in workers { try cluster.startWorker(name) }
            let browser = try await Browser(site: site)
            do {
                try await body(PageCluster(cluster: cluster, browser: browser, site: site))
            } catch {
                try? await browser.picture("failed")
                await browser.end()
                throw error
            }
            await browser.end()
        }
    }

    /// Fills the form and sends it off.
    func compose(genre: String, lyrics: String, seconds: Int, samples: Int) async throws {
        try await browser.open("/#/compose")
        try await browser.wait(
            for: "the plan", until: "document.querySelector('.plan-when')?.textContent.startsWith('Done')")
        try await browser.type(genre, into: ".name-field input")
        try await browser.wait(
            for: "the genre to be found",
            until: "!document.querySelector('.names').hidden || document.querySelector('.names').children.length")
        try await browser.type(lyrics, into: ".compose textarea")
        let fields = "[...document.querySelectorAll('.compose label')]"
        for (label, value) in [("Seconds", seconds), ("Samples", samples)] {
            let id = try await browser.text("\(fields).find((one) => one.textContent === '\(label)').htmlFor")
            try await browser.type("\(value)", into: "#\(id)")
        }
        try await browser.wait(
            for: "the plan of \(seconds) s",
            until: "document.querySelector('.facts').textContent.includes('\(seconds) s × \(samples)')")
    }

    /// The song that is shown.
    func shownSong() async throws -> String { try await browser.text("location.hash.split(/[/?]/)[2]") }
    func position() async throws -> Double {
        try await browser.number("document.querySelector('.time').dataset.position")
    }
}
