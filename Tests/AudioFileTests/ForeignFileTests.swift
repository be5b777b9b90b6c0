import AudioFile
import Foundation
import Testing

/// Files that are no audio, or audio of formats that are not read here: plain words, and what to do.
@Suite struct ForeignFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func refusal(_ bytes: [UInt8], _ name: String) throws -> String {
        let path = try folder.write(bytes, name)
        do {
            return "read \(try AudioReader(path: path).read(at: 44_100).count) samples"
        } catch {
            return "\(error)"
        }
    }

    @Test func `sound of other formats is named, with the command that converts it`() throws {
        func box(_ brand: String) -> [UInt8] { [0, 0, 0, 32] + Array("ftyp\(brand)".utf8) + [0, 0, 2, 0] }
        let heads: [(head: [UInt8], name: String)] = [
            (box("M4A "), "M4A"), (box("mp42"), "MP4"), (box("isom"), "MP4"), (box("3gp4"), "3GP"),
            (box("3g2a"), "3GP"),
            (box("qt  "), "QuickTime"), (box("zzzz"), "MP4"), ([0, 0, 0, 8] + Array("wide".utf8), "QuickTime"),
            ([0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81] + Array("webm".utf8), "WebM"),
            ([0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81] + Array("matroska".utf8), "Matroska"),
            ([0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11], "WMA"), (Array("#!AMR\n".utf8), "AMR"),
            (Array("#!AMR-WB\n".utf8), "AMR"), ([0xff, 0xf1, 0x50, 0x80], "AAC"), ([0xff, 0xf9, 0x50, 0x80], "AAC"),
            (Array("MAC \u{96}".utf8), "Monkey"), (Array("wvpk".utf8), "WavPack"), (Array("TTA1".utf8), "TTA"),
            (Array("MPCK".utf8), "Musepack"), (Array("DSD ".utf8), "DSD"), (Array("FLV\u{1}".utf8), "Flash"),
            (Array("RIFF\0\0\0\0AVI LIST".utf8), "AVI"), ([0x0b, 0x77], "AC-3"),
            (
                Array("caff\0\u{1}\0\0desc\0\0\0\0\0\0\0 ".utf8) + Array(repeating: 0, count: 8) + Array("aac ".utf8),
                "AAC"
            ),
        ]
        for (head, name) in heads {
            let text = try refusal(head + [UInt8](repeating: 0x55, count: 2_000), "my take's.m4a")
            #expect(text.contains(name) && text.contains("not read here"), "\(name): \(text)")
            let path = folder.path("my take").replacingOccurrences(of: "'", with: "")
            #expect(text.contains(#"ffmpeg -i '\#(path)'\''s.m4a' '\#(path)'\''s.wav'"#), "\(text)")
        }
    }

    @Test func `what is no sound is named, with what to do`() throws {
        let others: [(text: String, words: [String])] = [
            ("<!DOCTYPE html>\n<html><body>Not found", ["web page", "get the recording itself"]),
            ("\u{feff}  <HTML>", ["web page"]), ("{\"error\": 404}", ["JSON"]),
            ("<?xml version=\"1.0\"?><Error/>", ["XML"]),
            (
                "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
                ["git-lfs pointer", "git lfs pull"]
            ),
            ("#EXTM3U\nsong.mp3\n", ["playlist", "files that it names"]), ("la la la", ["a text"]),
            ("Привет, мир: не музыка", ["a text"]), ("MThd\0\0\0\u{6}", ["MIDI", "synthesizer"]),
            ("PK\u{3}\u{4}\0\0", ["ZIP", "--codes"]), ("%PDF-1.7\n", ["PDF"]),
            ("\0\0\0\0\0\0\0\0", ["nothing but zeros"]),
        ]
        for (content, words) in others {
            let text = try refusal(Array(content.utf8), "song.mp3")
            for word in words + ["not audio"] { #expect(text.contains(word), "\(content): \(text)") }
        }
        let wide = try refusal(
            [0xff, 0xfe] + "la la la la".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }, "a.wav")
        #expect(wide.contains("a text"))
        #expect(try refusal([], "empty.wav").contains("the file is empty"))
    }

    @Test func `what is no file is named, with what to do`() throws {
        func refusal(_ path: String) -> String {
            do {
                return "read \(try AudioReader(path: path).frames)"
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal(folder.url.path).contains("not a file but a folder; name a recording in it"))
        let pipe = folder.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(refusal(pipe).contains("a pipe, which can be read only once; write it to a file first"))
        #expect(refusal("/dev/null").contains("a device"))
        #expect(refusal("https://example.org/a.mp3").contains("download it"))
        #expect(refusal("~/a.wav").contains("write the folder in full"))
        #expect(refusal("file:///a.wav").contains("without file://"))
        #expect(refusal("takes/*.wav").contains("name each file"))
        #expect(refusal("-").contains("Standard input"))
        let closed = try folder.write(
            WAVFile([Int16](repeating: 0, count: 9), channels: 1, rate: 8_000).bytes, "closed.wav")
        chmod(closed, 0)
        #expect(getuid() == 0 || refusal(closed).contains("Permission denied"))
    }

    @Test func `errors have the name that the file goes by`() throws {
        let path = try folder.write(Array("la la".utf8), "store")
        #expect { try AudioReader(path: path, name: "/home/me/take.wav") } throws: {
            "\($0)".hasPrefix("/home/me/take.wav: ") && !"\($0)".contains("store")
        }
        let box: [UInt8] = [0, 0, 0, 32] + Array("ftypM4A ".utf8) + [UInt8](repeating: 0, count: 50)
        let sound = try folder.write(box, "store")
        #expect { try AudioReader(path: sound, name: "-my take.m4a") } throws: {
            "\($0)".contains("ffmpeg -i './-my take.m4a' './-my take.wav'")
        }
    }

    @Test func `streams at once are refused, and damage in a stream told`() throws {
        let ogg = try Recording.ogg.bytes(sine(440, rate: 44_100, seconds: 20), rate: 44_100, in: folder)
        let second = try ogg.place(of: "OggS", after: 1)
        let video = try refusal(Array(ogg[..<second]) + ogg, "video.ogv")
        #expect(video.contains("streams at once") && video.contains("ffmpeg"))
        #expect(try refusal(Array(ogg[second...]), "middle.ogg").contains("beginning is missing"))
        let places = ogg.indices.dropLast(5).filter { ogg[$0..<$0 + 5].elementsEqual(Array("OggS\0".utf8)) }
        let last = try #require(places.last)
        let reader = try AudioReader(path: folder.write(Array(ogg[..<last]), "live.ogg"))
        #expect(reader.warnings.contains { $0.contains("no end mark") })
        let hole = Array(ogg[..<places[places.count - 3]]) + ogg[places[places.count - 2]...]
        #expect(
            try AudioReader(path: folder.write(hole, "hole.ogg")).warnings.contains {
                $0.contains("1 pages are missing")
            })
    }

    @Test func `silence, and channels that cancel each other, are told`() throws {
        let silent = try AudioReader(
            path: folder.write(WAVFile([Int16](repeating: 0, count: 900), channels: 1, rate: 8_000).bytes, "silent.wav")
        )
        _ = try silent.read(at: 8_000)
        #expect(silent.warnings.contains { $0.contains("silent") })
        let tone = sine(440, rate: 8_000, seconds: 1)
        for (sign, isTold) in [(Float(-1), true), (1, false), (0, false)] {
            let stereo = WAVFile(tone.flatMap { [$0, sign * $0] }, channels: 2, rate: 8_000)
            let reader = try AudioReader(path: folder.write(stereo.bytes, "stereo.wav"))
            _ = try reader.read(at: 8_000)
            #expect(reader.warnings.contains { $0.contains("cancel each other") } == isTold)
        }
    }

    @Test func `a long file is refused by its header, and read in part`() throws {
        // Two hours of a file that takes no room on the disk.
        let path = folder.path("long.wav")
        var file = WAVFile([Int16](), channels: 1, rate: 8_000)
        file.declaredDataSize = 2 * 3_600 * 16_000
        try Data(file.bytes).write(to: URL(filePath: path))
        #expect(truncate(path, 44 + 2 * 3_600 * 16_000) == 0)
        let reader = try AudioReader(path: path)
        let before = ContinuousClock.now
        #expect { try reader.read(at: 44_100) } throws: { "\($0)".contains("longer than 3600 s (about 7200 s)") }
        #expect(before.duration(to: .now) < .seconds(1))
        #expect(try reader.read(seconds: 2, at: 8_000).count == 16_000)
    }
}
