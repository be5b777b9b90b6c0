import AudioFile
import CSndFile
import Foundation
import Testing

@Suite struct AudioReaderTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func `the header is told as it is`() throws {
        let path = try folder.write(
            WAVFile([Int16](repeating: 7, count: 3_000), channels: 2, rate: 8_000).bytes, "a.wav")
        let reader = try AudioReader(path: path)
        #expect(reader.sampleRate == 8_000)
        #expect(reader.channels == 2)
        #expect(reader.frames == 1_500)
        #expect(reader.duration == 0.1875)
    }

    @Test func `channels are mixed down to their mean`() throws {
        var interleaved: [Int16] = []
        var expected: [Float] = []
        for index in 0..<40_000 {
            let left = Int16(index * 13 % 30_000)
            let right = Int16(-(index * 7 % 20_000))
            interleaved += [left, right]
            expected.append((Float(left) + Float(right)) / 65_536)
        }
        let path = try folder.write(WAVFile(interleaved, channels: 2, rate: 44_100).bytes, "stereo.wav")
        let samples = try AudioReader(path: path).read(at: 44_100)
        #expect(samples == expected)
    }

    @Test func `six channels too`() throws {
        let path = try folder.write(
            WAVFile([Float](repeating: 0.5, count: 5) + [-2.5], channels: 6, rate: 44_100).bytes, "six.wav")
        #expect(try AudioReader(path: path).read(at: 44_100) == [0])
    }

    @Test(arguments: [
        (48_000, 44_100), (22_050, 44_100), (44_100, 22_050), (8_000, 44_100), (96_000, 44_100),
    ])
    func `resampling keeps frequency, amplitude and length`(_ rates: (from: Int, to: Int)) throws {
        let path = folder.path("tone.wav")
        let file = WAVFile(sine(1_000, rate: rates.from, seconds: 1.5), channels: 1, rate: rates.from)
        _ = try folder.write(file.bytes, "tone.wav")
        let samples = try AudioReader(path: path).read(at: rates.to)
        #expect(samples.count == rates.to * 3 / 2)
        // Whole periods, away from where the filter sees the silence around the tone.
        let edge = rates.to / 10
        let (decibels, amplitude) = purity(samples[edge..<samples.count - edge], of: 1_000, rate: rates.to)
        #expect(decibels > 100)
        #expect(abs(amplitude - 0.5) < 1e-4)
    }

    @Test func `resampling does not move the audio in time`() throws {
        var click = [Float](repeating: 0, count: 48_000)
        click[24_000] = 1
        let path = try folder.write(WAVFile(click, channels: 1, rate: 48_000).bytes, "click.wav")
        let samples = try AudioReader(path: path).read(at: 44_100)
        #expect(samples.indices.max { samples[$0] < samples[$1] } == 22_050)
    }

    @Test func `reading again gives the same, and fewer seconds the beginning of more`() throws {
        for (format, rate) in [(AudioFormat.wav, 44_100), (.flac, 48_000), (.ogg, 32_000)] {
            let path = folder.path("again.\(format)")
            try write(sine(440, rate: rate, seconds: 2), rate: rate, as: format, to: path)
            let reader = try AudioReader(path: path)
            let all = try reader.read(at: 44_100)
            #expect(all.count == 88_200)
            #expect(try reader.read(at: 44_100) == all)
            let some = try reader.read(seconds: 1.25, at: 44_100)
            #expect(some == Array(all[..<55_125]))
            #expect(try reader.read(seconds: 100, at: 44_100) == all)
            #expect(try reader.read(seconds: 0, at: 44_100) == [])
        }
    }

    @Test(arguments: AudioFormat.allCases)
    func `a part is what the whole has there, and silence lies around it`(_ format: AudioFormat) throws {
        let path = folder.path("part.\(format.fileExtension)")
        let writer = try AudioWriter(path: path, sampleRate: 44_100, format: format)
        let audio = sine(440, rate: 44_100, seconds: 2)
        try audio.withUnsafeBufferPointer { try writer.append($0) }
        try writer.finish()
        let whole = try AudioReader(path: path).read(at: 44_100)
        let reader = try AudioReader(path: path)
        #expect(reader.frames == whole.count)
        for range in [40_000..<61_000, 100..<200, 0..<88_200, 88_100..<88_200] {
            #expect(try reader.read(range) == Array(whole[range]), "\(range)")
        }
        #expect(try reader.read(-10..<10) == Array(repeating: 0, count: 10) + whole[..<10])
        #expect(try reader.read(88_190..<88_210) == whole[88_190...] + Array(repeating: 0, count: 10))
        #expect(try reader.read(90_000..<90_002) == [0, 0])
    }

    @Test func `MP3, AIFF, Opus and other formats are read`() throws {
        let formats: [(name: String, format: Int, rate: Int)] = [
            ("mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44_100),
            ("aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_24, 44_100),
            ("opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48_000), ("au", SF_FORMAT_AU | SF_FORMAT_FLOAT, 44_100),
            ("w64", SF_FORMAT_W64 | SF_FORMAT_DOUBLE, 44_100),
            ("caf", SF_FORMAT_CAF | SF_FORMAT_ALAC_16, 44_100),
            ("rf64", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 44_100),
            ("adpcm.wav", SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM, 44_100),
        ]
        for (name, format, rate) in formats {
            let path = folder.path("tone.\(name)")
            try #require(
                writeWithLibrary(sine(500, rate: rate, seconds: 2), rate: rate, format: format, to: path),
                "\(name)")
            let samples = try AudioReader(path: path).read(at: 44_100)
            // MP3 and ADPCM pad to their frames.
            #expect((88_200...93_000).contains(samples.count), "\(name): \(samples.count)")
            let (decibels, amplitude) = purity(samples[22_050..<66_150], of: 500, rate: 44_100)
            #expect(decibels > 30, "\(name)")
            #expect(abs(amplitude - 0.5) < 0.02, "\(name)")
        }
    }

    @Test func `a file written to a pipe, with no size in its header, is read to its end`() throws {
        for size in [0xffff_ffff, 0x7fff_f000] {
            var file = WAVFile(sine(500, rate: 8_000, seconds: 1), channels: 1, rate: 8_000)
            file.declaredDataSize = size
            let path = try folder.write(file.bytes, "pipe.wav")
            #expect(try AudioReader(path: path).read(at: 8_000).count == 8_000)
        }
    }

    // MARK: What is refused

    private func refusal(_ path: String, at rate: Int = 44_100) -> String {
        do {
            let samples = try AudioReader(path: path).read(at: rate)
            return "read \(samples.count) samples"
        } catch {
            return "\(error)"
        }
    }

    private func expectRefusal(
        _ path: String, naming reason: String, _ location: SourceLocation = #_sourceLocation
    ) {
        let text = refusal(path)
        #expect(text.hasPrefix(path), sourceLocation: location)
        #expect(text.contains(reason), "\(text)", sourceLocation: location)
    }

    @Test func `what is no audio file is refused with its name and the reason`() throws {
        expectRefusal(folder.path("absent.wav"), naming: "No such file")
        expectRefusal(folder.url.path, naming: "not a file")
        expectRefusal(try folder.write([], "empty.wav"), naming: "empty")
        expectRefusal(try folder.write(Array("A text is not a song.".utf8), "text.wav"), naming: "not audio")
        expectRefusal(
            try folder.write([UInt8](repeating: 0, count: 5_000), "zeros.flac"), naming: "not audio")
        expectRefusal(
            try folder.write(WAVFile([Int16](), channels: 1, rate: 8_000).bytes, "none.wav"),
            naming: "no audio")
    }

    @Test func `truncated files are refused`() throws {
        let samples = sine(500, rate: 44_100, seconds: 2)
        for format in AudioFormat.allCases {
            let path = folder.path("whole.\(format)")
            try write(samples, rate: 44_100, as: format, to: path)
            let whole = try bytes(of: path)
            for part in [0.3, 0.5, 0.9] {
                let cut = Array(whole[..<Int(Double(whole.count) * part)])
                expectRefusal(try folder.write(cut, "cut.\(format)"), naming: "truncated")
            }
        }
        let aiff = folder.path("whole.aiff")
        try #require(
            writeWithLibrary(samples, rate: 44_100, format: SF_FORMAT_AIFF | SF_FORMAT_PCM_16, to: aiff))
        expectRefusal(
            try folder.write(Array(try bytes(of: aiff)[..<100_000]), "cut.aiff"), naming: "truncated")
    }

    @Test func `absurd headers are refused`() throws {
        let samples = [Int16](repeating: 0, count: 1_000)
        expectRefusal(
            try folder.write(WAVFile(samples, channels: 500, rate: 44_100).bytes, "a.wav"),
            naming: "500 channels")
        expectRefusal(try folder.write(WAVFile(samples, channels: 1, rate: 1).bytes, "b.wav"), naming: "1 Hz")
        expectRefusal(
            try folder.write(WAVFile(samples, channels: 1, rate: 1_999_999_999).bytes, "c.wav"),
            naming: "1999999999 Hz")
    }

    @Test func `samples that are no numbers are refused with their place`() throws {
        for bad in [Float.nan, .infinity, -.infinity, 1e30] {
            var samples = sine(500, rate: 44_100, seconds: 1)
            samples[33_075] = bad
            let path = try folder.write(WAVFile(samples, channels: 1, rate: 44_100).bytes, "bad.wav")
            expectRefusal(path, naming: "sample 33075 (0.750 s)")
        }
    }

    @Test func `a file that is too long needs a number of seconds`() throws {
        let path = folder.path("long.flac")
        try write([Float](repeating: 0, count: 80_000), rate: 8_000, as: .flac, to: path)
        var limits = AudioReader.Limits()
        limits.seconds = 5
        for rate in [8_000, 11_025] {
            let reader = try AudioReader(path: path, limits: limits)
            #expect { try reader.read(at: rate) } throws: { "\($0)".contains("longer than 5 s") }
            #expect(try reader.read(seconds: 4, at: rate).count == 4 * rate)
            #expect(try reader.read(seconds: 5, at: rate).count == 5 * rate)
        }
    }

    @Test func `rates that make no sense are refused`() throws {
        let path = try folder.write(
            WAVFile([Int16](repeating: 0, count: 100), channels: 1, rate: 768_000).bytes, "a.wav")
        let reader = try AudioReader(path: path)
        for rate in [0, -1, 10, 10_000_000] {
            #expect(throws: AudioFileError.self) { try reader.read(at: rate) }
        }
        #expect(throws: AudioFileError.self) { try reader.read(seconds: -1, at: 44_100) }
        #expect(throws: AudioFileError.self) { try reader.read(seconds: .nan, at: 44_100) }
    }
}
