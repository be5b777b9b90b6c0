import AudioFile
import CSndFile
import Foundation
import Testing

/// Whatever a file holds, reading it ends soon, with audio or an error.
@Suite struct HostileAudioTests {
    static let kinds: [(name: String, format: Int)] = [
        ("wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16), ("flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16),
        ("ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS), ("mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III),
    ]

    @Test(arguments: kinds.map(\.name))
    func `mutated and truncated files give audio or an error`(_ kind: String) throws {
        let folder = try TemporaryFolder()
        let format = try #require(Self.kinds.first { $0.name == kind }).format
        let path = folder.path("whole")
        // Short, so that most mutations hit something that matters.
        let samples = zip(sine(440, rate: 22_050, seconds: 0.4), sine(3_100, rate: 22_050, seconds: 0.4)).map(
            +)
        try #require(writeWithLibrary(samples, rate: 22_050, format: format, to: path))
        let whole = try bytes(of: path)
        var dice = Dice(state: 0xA0D10)
        var outcomes = (audio: 0, errors: 0)
        for _ in 0..<Self.mutations {
            let mutated = mutate(whole, using: &dice)
            let file = try folder.write(mutated, "mutated")
            let start = ContinuousClock.now
            do {
                let reader = try AudioReader(path: file)
                let samples = try reader.read(at: 22_050)
                #expect(samples.allSatisfy { $0.isFinite })
                outcomes.audio += 1
            } catch let error as AudioFileError {
                #expect(error.path == file)
                outcomes.errors += 1
            }
            #expect(start.duration(to: .now) < .seconds(2))
        }
        #expect(outcomes.audio + outcomes.errors == Self.mutations)
        #expect(outcomes.errors > 0)
    }

    /// More with `AUDIO_MUTATIONS=10000`.
    static let mutations =
        ProcessInfo.processInfo.environment["AUDIO_MUTATIONS"].flatMap { Int($0) } ?? 150

    private func mutate(_ whole: [UInt8], using dice: inout Dice) -> [UInt8] {
        var bytes = whole
        // Headers decide the most, so half of all changes are made there.
        func place() -> Int {
            Int.random(
                in: 0..<(Bool.random(using: &dice) ? min(200, bytes.count) : bytes.count), using: &dice)
        }
        switch Int.random(in: 0..<5, using: &dice) {
        case 0:
            bytes = Array(bytes[..<place()])
        case 1:
            for _ in 0..<Int.random(in: 1...8, using: &dice) {
                bytes[place()] ^= 1 << UInt8.random(in: 0...7, using: &dice)
            }
        case 2:
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                bytes[place()] = [0, 255, 127, 128].randomElement(using: &dice)!
            }
        case 3:
            let start = place()
            for index in start..<min(start + Int.random(in: 1...64, using: &dice), bytes.count) {
                bytes[index] = UInt8.random(in: 0...255, using: &dice)
            }
        case _:
            let start = place()
            let piece = bytes[start..<min(start + Int.random(in: 1...500, using: &dice), bytes.count)]
            bytes.insert(contentsOf: piece, at: place())
        }
        return bytes
    }

    @Test func `random bytes give an error`() throws {
        let folder = try TemporaryFolder()
        var dice = Dice(state: 77)
        for kind in ["RIFF", "fLaC", "OggS", "FORM", "ID3", "\u{0}", "caff", ".snd"] {
            for size in [1, 11, 44, 1_000, 20_000] {
                let noise = (0..<size).map { _ in UInt8.random(in: 0...255, using: &dice) }
                let file = try folder.write(Array((Array(kind.utf8) + noise)[..<size]), "noise")
                do {
                    _ = try AudioReader(path: file).read(at: 44_100)
                } catch let error as AudioFileError {
                    #expect(error.path == file)
                }
            }
        }
    }
}
