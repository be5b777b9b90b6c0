import Foundation
import Pictures
import TestSupport
import Testing

@Suite struct SongPictureTests {
    private func spectrogram(seconds: Double) -> Spectrogram {
        var builder = SpectrogramBuilder(samples: Int(seconds * 8_000), rate: 8_000)
        var dice = Dice(seed: 3)
        let noise = (0..<Int(seconds * 8_000)).map { _ in Float.random(in: -0.5...0.5, using: &dice) }
        noise.withUnsafeBufferPointer { builder.append($0) }
        return builder.finish()
    }

    /// Lines of 30 characters, each sung in its turn.
    private func alignment(lines: Int, seconds: Double) -> AlignmentView {
        let (columns, characters) = (600, lines * 30)
        let path = (0..<columns).map { $0 * characters / columns }
        return AlignmentView(
            weights: path.map { place in (0..<characters).map { $0 == place ? 1 : 0 } }, path: path,
            lines: (0..<lines).map { line in
                AlignmentView.Line(
                    text: "line \(line) of the song, with words", characters: line * 30..<line * 30 + 29,
                    begin: seconds * Double(line) / Double(lines), end: seconds * Double(line + 1) / Double(lines))
            })
    }

    @Test(arguments: [0.05, 3, 200])
    func `a picture has its width whatever the length`(seconds: Double) throws {
        let picture = SongPicture(title: "noise", spectrogram: spectrogram(seconds: seconds))
        let path = try TestFolder.place("noise.png")
        try picture.write(to: path)
        let written = try TestPicture(path)
        #expect(written.width == 1_600 && written.height == picture.height)
        #expect(written.colours > 50)
    }

    @Test(arguments: [1, 3, 300])
    func `the alignment lies below it, in bounded height`(lines: Int) throws {
        let spectrogram = spectrogram(seconds: 3)
        let alone = SongPicture(title: "", spectrogram: spectrogram)
        let picture = SongPicture(
            title: String(repeating: "A title without end. ", count: 50), spectrogram: spectrogram,
            alignment: alignment(lines: lines, seconds: 3))
        let path = try TestFolder.place("aligned.png")
        try picture.write(to: path)
        let written = try TestPicture(path)
        #expect(written.height == picture.height)
        #expect((alone.height + 200...1_400).contains(picture.height))
    }

    @Test func `a place that cannot be written is named`() throws {
        let picture = SongPicture(title: "", spectrogram: spectrogram(seconds: 0.1))
        #expect { try picture.write(to: "/no-such-folder/a.png") } throws: { "\($0)".contains("/no-such-folder/a.png") }
    }
}
