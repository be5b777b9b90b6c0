import Foundation
import Testing

@testable import Checkpoint

struct PlainTextTests {
    private func read(_ text: String, _ encoding: String.Encoding, mark: [UInt8] = []) throws -> PlainText {
        try PlainText(Data(mark) + #require(text.data(using: encoding)))
    }

    @Test(arguments: ["sun sea\r\nsky", "Подмосковные вечера\nещё", "さくら さくら\n", "café ♪ 🎵\n", "x\n"])
    func `a text is the same in every Unicode encoding, with a mark and without`(text: String) throws {
        for (encoding, mark) in [
            (.utf8, [0xEF, 0xBB, 0xBF]), (.utf16LittleEndian, [0xFF, 0xFE]), (.utf16BigEndian, [0xFE, 0xFF]),
            (.utf32LittleEndian, [0xFF, 0xFE, 0, 0]), (.utf32BigEndian, [0, 0, 0xFE, 0xFF]),
        ] as [(String.Encoding, [UInt8])] {
            #expect(try read(text, encoding, mark: mark).text == text, "\(encoding)")
        }
        #expect(try read(text, .utf8) == PlainText(Data(text.utf8)))
        for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian] {
            let plain = try read(text, encoding)
            #expect(plain.text == text && plain.encoding == .utf16, "\(encoding)")
        }
    }

    @Test func `western text of old systems is read, and said to be`() throws {
        let plain = try read("café olé, l’été où “mañana” vient\r\n", .windowsCP1252)
        #expect(plain.text == "café olé, l’été où “mañana” vient\r\n" && plain.encoding == .windows1252)
    }

    @Test func `other encodings are refused rather than sung wrong`() throws {
        for (text, encoding) in [("Подмосковные вечера", String.Encoding.windowsCP1251), ("さくら", .shiftJIS)] {
            let data = try #require(text.data(using: encoding))
            #expect(throws: PlainText.NotText.self) { try PlainText(data) }
        }
    }

    @Test func `what is no text says what it is`() {
        for (bytes, words) in [
            (Array("%PDF-1.7".utf8), "PDF"), (Array("{\\rtf1".utf8), "RTF"), ([0x50, 0x4B, 3, 4, 0], "zip"),
            (Array("\n<!DOCTYPE html>".utf8), "web page"), (Array(0...255), "not a text"),
            ([0xFF, 0xFE, 0, 0xD8], "UTF-16"),
            ([0xEF, 0xBB, 0xBF, 0xFF], "UTF-8"), ([0, 0, 0, 0], "not a text"),
        ] as [([UInt8], String)] {
            let error = #expect(throws: PlainText.NotText.self) { try PlainText(Data(bytes)) }
            #expect(error?.description.contains(words) == true, "\(words): \(error?.description ?? "")")
        }
    }

    @Test func `nothing is a text`() throws {
        #expect(try PlainText(Data()).text.isEmpty)
    }
}
