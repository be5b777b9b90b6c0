import Foundation
import TestSupport
import Testing

/// What axe finds on each view, in both themes. `Scripts/check-page` fetches axe and runs this.
@Suite(
    .serialized, .timeLimit(.minutes(15)),
    .enabled(if: Browser.isThere && Browser.axe != nil, "Scripts/check-page runs it, with Chromium and axe"))
struct AccessibilityTests {
    private static let open = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"

    @Test(arguments: [true, false])
    func `nothing serious on any view or dialog`(isDark: Bool) async throws {
        try await PageCluster.with(workers: ["piano"]) { world in
            let browser = world.browser
            try await browser.look(width: 1280, isDark: isDark)
            try await world.compose(genre: "waltz", lyrics: "sun sea sky far low you", seconds: 4, samples: 2)
            try await Self.check(browser, "Compose")
            try await browser.click("button[type=submit].primary")
            try await browser.wait(
                for: "the song to be finished", until: "document.querySelector('.state')?.textContent === 'finished'")
            try await browser.wait(for: "the words' times", until: "document.querySelector('.lyric-lines span')")
            try await Self.check(browser, "Listen")
            for operation in ["go-on", "vary", "words", "cut", "upsample"] {
                try await browser.click("[data-operation=\"\(operation)\"]")
                try await Self.check(browser, operation)
                try await browser.click(".dialog-buttons .quiet")
            }
            try await browser.click("#help")
            try await Self.check(browser, "the keys")
            try await browser.click(".dialog-buttons .quiet")
            try await browser.open("/#/watch")
            try await browser.wait(for: "the workers", until: "document.querySelector('.meter')")
            try await Self.check(browser, "Watch")
            try await browser.look(width: 400, isDark: isDark)
            try await Self.check(browser, "Watch at 400 pixels")
            #expect(try await browser.number("document.documentElement.scrollWidth") <= 400)
        }
    }

    /// Runs axe on what is shown, with everything unfolded.
    private static func check(_ browser: Browser, _ view: String) async throws {
        if try await browser.text("typeof axe") == "undefined" {
            try await browser.run(String(contentsOfFile: Browser.axe!, encoding: .utf8))
        }
        try await browser.run(open)
        try await browser.run("window.found = null; axe.run().then((report) => { window.found = report; })")
        try await browser.wait(for: "axe", until: "window.found")
        let findings = try await browser.value(
            "window.found.violations.map((one) => `${one.impact}: ${one.id}: ${one.nodes[0].html}`)")
        let serious = (findings as? [String] ?? []).filter { $0.hasPrefix("serious") || $0.hasPrefix("critical") }
        #expect(serious.isEmpty, "\(view): \(serious.joined(separator: "\n"))")
        #expect(try await browser.number("window.found.passes.length") > 10, "axe looked at nothing of \(view)")
    }
}
