import AudioFile
import Foundation
import Testing

@Suite struct AudioWriterTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: [(AudioFormat.wav, Float(0.5 / 32_768)), (.flac, 0.5 / 8_388_608)])
    func `WAV and FLAC store the nearest value`(_ format: AudioFormat, _ tolerance: Float) throws {
        let samples = sine(440, rate: 44_100, seconds: 1, amplitude: 0.9)
        let path = folder.path("tone.\(format.fileExtension)")
        try write(samples, rate: 44_100, as: format, to: path)
        let reader = try AudioReader(path: path)
        #expect(reader.sampleRate == 44_100)
        #expect(reader.channels == 1)
        #expect(reader.frames == 44_100)
        let read = try reader.read(at: 44_100)
        #expect(read.count == samples.count)
        #expect(zip(read, samples).allSatisfy { abs($0 - $1) <= tolerance * 1.0001 })
    }

    @Test func `OGG keeps the sound and the length`() throws {
        let samples = sine(440, rate: 44_100, seconds: 1)
        let path = folder.path("tone.ogg")
        try write(samples, rate: 44_100, as: .ogg, to: path)
        let read = try AudioReader(path: path).read(at: 44_100)
        #expect(read.count == samples.count)
        let (decibels, amplitude) = purity(read[2_000..<42_000], of: 440, rate: 44_100)
        #expect(decibels > 30)
        #expect(abs(amplitude - 0.5) < 0.01)
    }

    @Test(arguments: [AudioFormat.wav, .flac])
    func `how the samples were cut into pieces makes no difference to the bytes`(_ format: AudioFormat) throws {
        var dice = Dice(state: 5)
        let samples = (0..<50_000).map { _ in Float.random(in: -1.2...1.2, using: &dice) }
        let whole = folder.path("whole")
        let pieces = folder.path("pieces")
        try write(samples, rate: 44_100, as: format, to: whole)
        let writer = try AudioWriter(path: pieces, sampleRate: 44_100, format: format)
        var rest = samples[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 0...7_000, using: &dice))
            try writer.append(Array(piece))
            rest = rest.dropFirst(piece.count)
        }
        try writer.finish()
        #expect(try bytes(of: whole) == bytes(of: pieces))
        #expect(writer.framesWritten == samples.count)
    }

    @Test func `samples beyond full scale are clipped and counted`() throws {
        let samples: [Float] = [0, 1, -1, 1.5, -1.5, .infinity, -.infinity, 0.25, 1.0000001]
        for format in [AudioFormat.wav, .flac] {
            let path = folder.path("clipped")
            let writer = try AudioWriter(path: path, sampleRate: 8_000, format: format)
            try writer.append(samples)
            try writer.finish()
            #expect(writer.clippedSamples == 5)
            let top: Float = format == .wav ? 32_767 / 32_768 : 8_388_607 / 8_388_608
            #expect(try AudioReader(path: path).read(at: 8_000) == [0, top, -1, top, -1, top, -1, 0.25, top])
        }
    }

    @Test func `the file appears when it is finished, and nothing else is left`() throws {
        let path = folder.path("song.flac")
        try Data("before".utf8).write(to: URL(filePath: path))
        let writer = try AudioWriter(path: path, sampleRate: 44_100, format: .flac)
        try writer.append([Float](repeating: 0.1, count: 10_000))
        #expect(try bytes(of: path) == Array("before".utf8))
        try writer.finish()
        #expect(try AudioReader(path: path).frames == 10_000)
        #expect(try folder.names == ["song.flac"])
        #expect(throws: AudioFileError.self) { try writer.append([0]) }
        #expect(throws: AudioFileError.self) { try writer.finish() }
        #expect(try AudioReader(path: path).frames == 10_000)
    }

    @Test func `an unfinished file disappears`() throws {
        for format in AudioFormat.allCases {
            var writer: AudioWriter? = try AudioWriter(
                path: folder.path("song"), sampleRate: 44_100, format: format)
            try writer?.append([Float](repeating: 0.1, count: 10_000))
            #expect(try folder.names.count == 1)
            writer = nil
            #expect(try folder.names == [])
        }
    }

    @Test func `no number is no sample, and ends the file`() throws {
        let writer = try AudioWriter(path: folder.path("song.wav"), sampleRate: 44_100, format: .wav)
        try writer.append([0, 0.5])
        #expect { try writer.append([0, .nan]) } throws: { "\($0)".contains("sample 3 is not a number") }
        #expect(throws: AudioFileError.self) { try writer.finish() }
        #expect(try folder.names == [])
    }

    @Test func `what cannot be written is refused with its name`() throws {
        let absent = folder.path("no/such/folder.wav")
        #expect { try AudioWriter(path: absent, sampleRate: 44_100, format: .wav) } throws: {
            "\($0)".hasPrefix(absent)
        }
        #expect(throws: AudioFileError.self) {
            try AudioWriter(path: folder.path("a.wav"), sampleRate: 0, format: .wav)
        }
        #expect(throws: AudioFileError.self) {
            try AudioWriter(path: folder.path("a.flac"), sampleRate: 768_000, format: .flac)
        }
        let empty = try AudioWriter(path: folder.path("a.wav"), sampleRate: 8_000, format: .wav)
        #expect(throws: AudioFileError.self) { try empty.finish() }
        #expect(try folder.names == [])
    }
}
