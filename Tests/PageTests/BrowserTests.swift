import Foundation
import TestSupport
import Testing

/// The page in a real browser, on a real cluster.
@Suite(
    .serialized, .timeLimit(.minutes(15)), .enabled(if: Browser.isThere, "there is no Chromium with its driver here"))
struct BrowserTests {
    private static let lyrics = "sun sea sky far low you\nnew day may fly for her\nlow old sun may fly way"
    private static let words = "sun sea sky far low you\nmen all new for tea sky"

    @Test func `compose, hear it grow, branch from the middle, lose a worker and the page, and find everything`()
        async throws
    {
        try await PageCluster.with { world in
            let browser = world.browser
            try await browser.look(width: 1280, isDark: true)
            try await world.compose(genre: "waltz", lyrics: Self.lyrics, seconds: 8, samples: 2)
            try await browser.picture("compose")
            try await browser.click("button[type=submit].primary")
            try await Self.hear(world)
            let parent = try await world.shownSong()
            try await Self.switchLevels(world)
            try await browser.wait(
                for: "the song to be finished", until: "document.querySelector('.state')?.textContent === 'finished'")
            try await Self.otherWords(world)
            let child = try await world.shownSong()
            #expect(child != parent)

            // A worker dies meanwhile, and another comes.
            try await wait(for: "the new song to be sampled") {
                try await world.cluster.status().workers.contains { $0.busy > 0 }
            }
            #expect(try world.cluster.worker("piano").kill() == .signalled(9))
            try world.cluster.startWorker("harp")
            let address = try await browser.text("location.hash")
            try await browser.reload()
            try await browser.wait(for: "the song after the reload", until: "document.querySelector('.song-title')")
            #expect(try await browser.text("location.hash") == address)
            try await browser.wait(
                for: "the branch to be finished", until: "document.querySelector('.state')?.textContent === 'finished'")
            try await Self.findEverything(world, parent: parent, child: child)
            #expect(try await browser.errors() == [])
        }
    }

    @Test func `where the API wants a token the page asks for one, and does all with it`() async throws {
        let tokens = try TestFolder.make("tokens") + "/tokens"
        let made = try await Orchestrion.succeed(["tokens", "new", "--file", tokens, "--role", "editor", "eva"])
        let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        try await PageCluster.with(options: ["--tokens", tokens], workers: ["piano"]) { world in
            let browser = world.browser
            try await browser.open("/")
            for word in ["orc_wrong", token] {
                try await browser.wait(
                    for: "the question", until: "document.querySelector('dialog input[type=password]')?.value === ''")
                try await browser.type(word, into: "dialog input[type=password]")
                try await browser.press(Key.enter)
            }
            try await world.compose(genre: "rock", lyrics: "sun sea sky", seconds: 4, samples: 1)
            try await browser.click("button[type=submit].primary")
            // By events and sound that carry the token.
            try await browser.wait(
                for: "the song to be finished", until: "document.querySelector('.state')?.textContent === 'finished'")
            try await browser.wait(
                for: "all of the sound", until: "document.querySelector('.stage').dataset.complete === 'true'")
            try await browser.reload()
            try await browser.wait(for: "the song after the reload", until: "document.querySelector('.song-title')")
            #expect(try await browser.text("document.querySelector('dialog')?.textContent ?? ''") == "")
        }
    }

    /// The sketch is heard while it is sampled, from the beginning on.
    private static func hear(_ world: PageCluster) async throws {
        let browser = world.browser
        try await browser.wait(
            for: "something to be heard", until: "Number(document.querySelector('.stage')?.dataset.have) > 0.5")
        #expect(try await browser.number("document.querySelectorAll('.lane').length") == 2)
        try await browser.click(".play")
        try await browser.wait(
            for: "the playhead to move", until: "Number(document.querySelector('.time').dataset.position) > 0.7")
        try await browser.picture("growing")
        #expect(try await browser.text("document.querySelector('.state').textContent") != "finished")
    }

    private static func switchLevels(_ world: PageCluster) async throws {
        let browser = world.browser
        try await browser.wait(
            for: "the middle level to be heard",
            until: "document.querySelector('[data-level=\"1\"] i').style.width !== '0%'")
        // While it plays: no further back than it was.
        let playing = try await world.position()
        try await browser.click("[data-level=\"1\"]")
        #expect(try await world.position() >= playing)
        if try await browser.text("document.querySelector('.play').dataset.state") != "paused" {
            try await browser.click(".play")
        }
        let paused = try await world.position()
        try await browser.click("[data-level=\"2\"]")
        #expect(try await browser.text("document.querySelector('[data-level=\"2\"]').ariaPressed") == "true")
        #expect(try await world.position() == paused)
        try await browser.press("]")
        #expect(try await browser.text("document.querySelector('.is-chosen').dataset.sample") == "1")
        #expect(try await world.position() == paused)
    }

    /// By the keyboard: to the middle, then other words from there.
    private static func otherWords(_ world: PageCluster) async throws {
        let browser = world.browser
        try await browser.press(Key.home, Key.arrowRight, Key.arrowRight, Key.arrowRight, Key.arrowRight)
        #expect(try await world.position() == 4)
        try await browser.press("w")
        try await browser.wait(
            for: "the dialog", until: "document.querySelector('dialog textarea')?.value.includes('new day')")
        try await browser.type(words, into: "dialog textarea")
        try await browser.click("dialog summary")
        #expect(
            try await browser.text("document.querySelector('dialog .command').textContent").hasPrefix(
                "orchestrion go-on"))
        try await browser.picture("branch")
        let before = try await world.shownSong()
        try await browser.click("dialog button[type=submit]")
        try await browser.wait(for: "the branch", until: "location.hash.split(/[/?]/)[2] !== '\(before)'")
    }

    private static func findEverything(_ world: PageCluster, parent: String, child: String) async throws {
        let browser = world.browser
        #expect(try await world.shownSong() == child)
        try await browser.wait(
            for: "the new words", until: "document.querySelector('.lyric-lines').textContent.includes('men all')")
        try await browser.wait(
            for: "the parent in the tree",
            until: "document.querySelector('.tree [data-key=\"\(parent)\"]')?.ariaLevel === '1'")
        #expect(try await browser.text("document.querySelector('.tree [data-key=\"\(child)\"]').ariaLevel") == "2")
        try await browser.wait(
            for: "all of the sound", until: "document.querySelector('.is-chosen .stage').dataset.complete === 'true'")
        #expect(try await browser.number("document.querySelectorAll('.marks .kept').length") >= 1)
        try await browser.wait(for: "the words' times", until: "document.querySelector('.lyric-lines span')")
        try await browser.picture("listen")
        try await browser.open("/#/watch?song=\(child)")
        try await browser.wait(
            for: "the windows", until: "document.querySelector('.gantt')?.ariaLabel?.includes('windows on')")
        try await browser.wait(
            for: "the new worker", until: "document.querySelector('.view-watch').textContent.includes('harp')")
        try await browser.picture("watch")
    }
}
