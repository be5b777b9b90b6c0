import Checkpoint
import Foundation
import FuzzSupport
import ModelTestSupport
import Testing

/// Model files of every kind that are cut short, at a thousand places in all.
@Suite struct CutFileTests {
    private static let cuts = 250

    private static var files: [String] {
        [
            "single-odd-sizes/vqvae.pth.tar", "two-level-unlabelled/prior_level_1.pth.tar",
            "hf-lyrics-single/model-00003-of-00003.safetensors", "hf-no-lyrics/pytorch_model.bin",
        ]
    }

    @Test(arguments: files)
    func `a model file that is cut anywhere is refused with a reason`(_ name: String) throws {
        let folder = try TemporaryFolder()
        let whole = try Data(
            contentsOf: Fixture.twoLevel.folder.deletingLastPathComponent().appendingPathComponent(name))
        let path = folder.file((name as NSString).lastPathComponent).path
        try whole.write(to: URL(fileURLWithPath: path))
        #expect(try !Checkpoint.open(path: path).names.isEmpty)
        // From the end, so that one file is cut shorter and shorter: the last bytes one by one, where tables and the ends
        // of data lie, then in equal steps.
        let ends = (1...Self.cuts / 2).map { whole.count - $0 }
        let steps = (1...Self.cuts / 2).map { (whole.count - Self.cuts / 2) * (Self.cuts / 2 - $0) / (Self.cuts / 2) }
        var refused = 0
        for length in ends + steps {
            try #require(truncate(path, length) == 0)
            do {
                let checkpoint = try Checkpoint.open(path: path)
                for tensor in checkpoint.tensors.values { try tensor.withBytes { _ in } }
                Issue.record("\(name), cut to \(length) bytes, was opened")
            } catch let error as CheckpointError {
                #expect("\(error)".contains(path) && "\(error)".utf8.count < 1000, "\(error)")
                refused += 1
            }
        }
        #expect(refused == Self.cuts)
    }

    @Test(arguments: [
        "cposix\nsystem\n(S'touch WITNESS'\ntR.", "ios\nsystem\n(S'touch WITNESS'\ntR.",
        "(S'touch WITNESS'\nios\nsystem\n.", "cbuiltins\nexec\n(V__import__('os').system('touch WITNESS')\ntR.",
        "\u{8C}\u{2}os\u{8C}\u{6}system\u{93}(S'touch WITNESS'\ntR.", "ctorch\nload\n(S'WITNESS'\ntR.",
        "csubprocess\nPopen\n((S'touch'\nS'WITNESS'\nltR.", "(cos\nsystem\nS'touch WITNESS'\no.",
    ])
    func `no pickle runs anything`(_ text: String) throws {
        let folder = try TemporaryFolder()
        let witness = folder.file("witness").path
        let code = text.replacingOccurrences(of: "WITNESS", with: witness).unicodeScalars.map { UInt8($0.value) }
        for (name, bytes) in [
            ("bare.pth.tar", [0x80, 2] + code), ("legacy.pth.tar", TorchWrapping.legacy([0x80, 2] + code)),
        ] {
            let path = folder.file(name).path
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
            #expect(!FileManager.default.fileExists(atPath: witness))
        }
    }

}
