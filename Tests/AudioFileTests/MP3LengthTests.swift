import AudioFile
import Foundation
import Testing

/// How long an MP3 is: what its note says, and what is there.
@Suite struct MP3LengthTests {
    let folder: TemporaryFolder
    let whole: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        // Noise, then a tone: the bit rate of the first half says little of the second.
        var dice = Dice(state: 4)
        let noise = (0..<88_200).map { _ in Float.random(in: -0.4...0.4, using: &dice) }
        whole = try Recording.mp3.bytes(noise + sine(500, rate: 44_100, seconds: 2), rate: 44_100, in: folder)
    }

    private func refusal(_ bytes: [UInt8]) throws -> String {
        let path = try folder.write(bytes, "it is.mp3")
        do {
            return "read \(try AudioReader(path: path).read(at: 44_100).count)"
        } catch {
            return "\(error)"
        }
    }

    @Test func `one that was cut off is refused, wherever it was cut`() throws {
        #expect(try refusal(whole) == "read 176400")
        for count in [whole.count - 1, whole.count - 200, whole.count * 9 / 10, whole.count / 2, 2_000] {
            let text = try refusal(Array(whole[..<count]))
            #expect(text.contains("truncated") && text.contains("ffmpeg -i '"), "\(count): \(text)")
        }
        #expect(try refusal(Array(whole[..<(whole.count / 2)])).contains("its header says 4.0 s"))
    }

    @Test func `the note of another encoder is believed, too`() throws {
        let frames = try #require(Self.noteFrames(whole))
        let note = try whole.place(of: frames.tag)
        func vbri(_ frames: Int, _ bytes: Int) -> [UInt8] {
            func big(_ number: Int) -> [UInt8] {
                (0..<4).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            }
            return Array("VBRI".utf8) + [0, 1, 0, 0, 0, 75] + big(bytes) + big(frames)
        }
        let blank = whole.replacing(at: note, with: [UInt8](repeating: 0, count: 16))
        let other = blank.replacing(at: 36, with: vbri(frames.count, whole.count))
        #expect(try refusal(other).hasPrefix("read 17"))
        #expect(try refusal(Array(other[..<(other.count * 2 / 3)])).contains("truncated"))
    }

    private static func noteFrames(_ bytes: [UInt8]) -> (tag: String, count: Int)? {
        for tag in ["Xing", "Info"] {
            if let place = try? bytes.place(of: tag), place < 100 {
                return (tag, bytes[place + 8..<place + 12].reduce(0) { $0 << 8 | Int($1) })
            }
        }
        return nil
    }

    @Test func `one without a note is read to its end, though its bit rate changes`() throws {
        let bytes = try whole.withoutNote()
        let reader = try AudioReader(path: folder.write(bytes, "stream.mp3"))
        let samples = try reader.read(at: 44_100)
        #expect((176_400...180_000).contains(samples.count), "\(samples.count)")
        #expect(abs(reader.duration - 4) < 0.1)
        #expect(reader.warnings.isEmpty)
        #expect(purity(samples[100_000..<170_560], of: 500, rate: 44_100).decibels > 25)
        let cut = try AudioReader(path: folder.write(Array(bytes[..<(bytes.count - 10)]), "cut.mp3"))
        #expect(cut.warnings.contains { $0.contains("last frame is cut off") })
    }

    @Test func `a tag that is longer than the file, or all there is, is refused`() throws {
        let tag: [UInt8] = Array("ID3".utf8) + [4, 0, 0, 0, 0, 2, 0] + Array(repeating: 0, count: 256)
        #expect(try refusal(tag + whole) == "read 176400")
        #expect(try refusal(Array(tag[..<100])).contains("its ID3 tag alone has 266 bytes, and 100 are there"))
        #expect(try refusal(Array(tag[..<7])).contains("truncated"))
        #expect(try refusal(tag).contains("only a tag"))
        #expect(try refusal(tag + whole[..<5_000]).contains("truncated"))
    }

    @Test func `what lies before and between frames is skipped, and told`() throws {
        var dice = Dice(state: 8)
        let noise = (0..<4_000).map { _ in UInt8.random(in: 0...255, using: &dice) }
        #expect(try refusal([0] + noise + whole) == "read 176400")
        #expect(try refusal(Array(repeating: 0, count: 9_000) + whole) == "read 176400")
        let bytes = try whole.withoutNote()
        let half = bytes.count / 2
        let reader = try AudioReader(path: folder.write(Array(bytes[..<half]) + noise + bytes[half...], "damaged.mp3"))
        #expect((170_000...180_000).contains(try reader.read(at: 44_100).count))
        #expect(reader.warnings.contains { $0.contains("are no audio, and are skipped") })
    }
}
