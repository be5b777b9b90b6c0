import AudioFile
import Foundation
import Testing

/// Files that are recordings one after another, as `cat a b` makes them.
@Suite struct SeveralRecordingsTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func pair(_ kind: Recording, rates: (Int, Int) = (44_100, 48_000)) throws -> ([UInt8], [UInt8]) {
        // Opus knows no 44.1 kHz.
        let first = kind == .opus ? 24_000 : rates.0
        return (
            try kind.bytes(sine(500, rate: first, seconds: 1), rate: first, in: folder),
            try kind.bytes(sine(1_000, rate: rates.1, seconds: 1), rate: rates.1, in: folder)
        )
    }

    @Test(arguments: Recording.allCases)
    func `all of them are read, each of its own rate`(_ kind: Recording) throws {
        let (first, second) = try pair(kind)
        let reader = try AudioReader(path: folder.write(first + second, "both"))
        let samples = try reader.read(at: 44_100)
        // RF64 and MP3 are of whole frames.
        #expect(abs(samples.count - 88_200) <= 2_400, "\(samples.count)")
        #expect(purity(samples[4_410..<39_690], of: 500, rate: 44_100).decibels > 20)
        #expect(purity(samples[50_715..<81_585], of: 1_000, rate: 44_100).decibels > 20)
        #expect(abs(reader.duration - 2) < 0.1)
        #expect(try reader.read(at: 44_100) == samples)
        #expect(try reader.read(seconds: 1.5, at: 44_100) == Array(samples[..<66_150]))
        #expect(reader.warnings.isEmpty == [.ogg, .opus, .mp3].contains(kind), "\(reader.warnings)")
    }

    @Test func `blocks and ranges go on from one to the next`() throws {
        let (first, second) = try pair(.ogg, rates: (22_050, 22_050))
        let reader = try AudioReader(path: folder.write(first + second, "both.ogg"))
        let whole = try reader.read(at: 22_050)
        #expect(reader.frames == 44_100 && whole.count == 44_100)
        var blocks: [Float] = []
        try reader.forEachBlock { blocks += $0 }
        #expect(blocks == whole)
        #expect(try reader.read(22_000..<22_100) == Array(whole[22_000..<22_100]))
        #expect(try reader.read(44_090..<44_110) == whole[44_090...] + Array(repeating: 0, count: 10))
    }

    @Test func `other kinds may follow each other, and tags lie between`() throws {
        let wav = try Recording.wav.bytes(sine(500, rate: 44_100, seconds: 1), rate: 44_100, in: folder)
        let mp3 = try Recording.mp3.bytes(sine(500, rate: 44_100, seconds: 1), rate: 44_100, in: folder)
        let ogg = try Recording.ogg.bytes(sine(500, rate: 44_100, seconds: 1), rate: 44_100, in: folder)
        let tag: [UInt8] = Array("ID3".utf8) + [4, 0, 0, 0, 0, 0, 20] + Array(repeating: 0, count: 20)
        let old = Array("TAG".utf8) + [UInt8](repeating: 32, count: 125)
        for parts in [[wav, mp3, ogg], [tag, mp3, old, tag, mp3, old, mp3], [tag, wav, tag, wav], [mp3, wav, mp3]] {
            let path = try folder.write(parts.flatMap(\.self), "mixed")
            let seconds = parts.count { $0.count > 200 }
            let samples = try AudioReader(path: path).read(at: 44_100)
            #expect(abs(samples.count - seconds * 44_100) < 1_200 * seconds, "\(parts.map(\.count)): \(samples.count)")
        }
    }

    @Test(arguments: [Recording.wav, .ogg, .opus, .mp3, .flac, .aiff, .au, .caf, .w64])
    func `one that is cut off before the next is refused`(_ kind: Recording) throws {
        let (first, second) = try pair(kind)
        let path = try folder.write(Array(first[..<(first.count * 6 / 10 - 7)]) + second, "both")
        let reading = { try AudioReader(path: path).read(at: 44_100) }
        #expect { try reading() } throws: { error in
            ["truncated", "damaged"].contains { "\(error)".contains($0) } && "\(error)".contains("ffmpeg -i")
        }
    }

    @Test func `more than can be meant are refused`() throws {
        let wav = WAVFile([Int16](repeating: 5, count: 64), channels: 1, rate: 8_000).bytes
        let few = try folder.write(Array(repeating: wav, count: 300).flatMap(\.self), "few")
        #expect(try AudioReader(path: few).read(at: 8_000).count == 300 * 64)
        let many = try folder.write(Array(repeating: wav, count: 501).flatMap(\.self), "many")
        #expect { try AudioReader(path: many) } throws: { "\($0)".contains("over 500 recordings") }
    }

    @Test(arguments: Recording.allCases)
    func `what follows and is no recording is told, unless it is a tag or zeros`(_ kind: Recording) throws {
        let whole = try kind.bytes(sine(500, rate: 48_000, seconds: 1), rate: 48_000, in: folder)
        let length = try AudioReader(path: folder.write(whole, "whole")).read(at: 48_000).count
        var dice = Dice(state: 3)
        let noise = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &dice) }
        let tag = Array("TAG".utf8) + [UInt8](repeating: 32, count: 125)
        for (tail, isTold) in [(noise, true), (tag, false), (Array(repeating: 0, count: 3_000), false)] {
            let reader = try AudioReader(path: folder.write(whole + tail, "more"))
            #expect(try reader.read(at: 48_000).count == length)
            #expect(reader.warnings.contains { $0.contains("not read") } == isTold, "\(reader.warnings)")
        }
    }
}
