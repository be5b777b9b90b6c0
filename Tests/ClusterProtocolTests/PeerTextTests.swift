import ClusterProtocol
import Testing

/// What peers say, before anybody prints or reckons with it.
@Suite struct PeerTextTests {
    @Test func `nothing of a text turns, hides or moves what a terminal shows`() {
        let hostile = "a\u{1B}[31mb\u{7}c\nd\re\u{202E}f\u{2066}g\u{200B}h\u{FEFF}i\u{85}j\u{2028}k\u{9B}l\u{E000}m"
        #expect(PeerText.shown(hostile) == "a[31mbcdefghijklm")
        #expect(PeerText.lines("one\ntwo\r\nthree\tfour") == "one two three four")
        #expect(PeerText.shown(String(repeating: "e\u{301}", count: 500)).unicodeScalars.count == 200)
        #expect(PeerText.shown("Grüße, 音楽, مرحبا 🎹") == "Grüße, 音楽, مرحبا 🎹")
        #expect(PeerText.isClean("take 1.wav") && !PeerText.isClean("a\nb") && !PeerText.isClean("aaa", limit: 2))
    }

    @Test func `a song's id is letters, digits and dashes`() {
        for id in ["a", "A-9", String(repeating: "x", count: 64)] { #expect(PeerText.isSongID(id), "\(id)") }
        for id in ["", "a b", "..", "a/b", "\u{E9}", "１", String(repeating: "x", count: 65), "a\u{301}"] {
            #expect(!PeerText.isSongID(id), "\(id)")
            #expect(PeerText.songID(id).unicodeScalars.count <= 65)
        }
    }

    @Test func `speeds and amounts are some that arithmetic can go on with`() {
        for none in [Double.nan, .infinity, -.infinity, -1e300, 0, -0.0] { #expect(none.peerSpeed == 0, "\(none)") }
        for little in [1e-300, 2e-299, Double.leastNonzeroMagnitude, 1e-7] { #expect(little.peerSpeed == 1e-6) }
        #expect(1e300.peerSpeed == 1e9 && 12.5.peerSpeed == 12.5)
        #expect(Double.nan.peerAmount == 0 && Double.infinity.peerAmount == 0 && 1e300.peerAmount == 1e12)
    }

    @Test func `roles are read as they are written`() {
        for (text, roles) in [("worker", .worker), ("client", .client), ("admin", .admin)] as [(String, PeerRoles)] {
            #expect(PeerRoles(text) == roles && roles.text == text)
        }
        #expect(PeerRoles("worker,client") == [.worker, .client])
        #expect(([.client, .worker] as PeerRoles).text == "worker,client")
        for wrong in ["", "root", "worker,", "Worker", "worker client"] { #expect(PeerRoles(wrong) == nil, "\(wrong)") }
    }
}
