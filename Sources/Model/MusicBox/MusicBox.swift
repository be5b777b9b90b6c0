package import Foundation

/// The model that ships with the program: three levels, labels and lyrics, in 19 MiB. Docs/MusicBox.md is its card.
package enum MusicBox {
    /// What `--model` calls it.
    package static let name = "music-box"

    /// The model's folder, loaded as any other: beside the program where a build puts it, or in `share/orchestrion`
    /// next to the program's `bin`. Nil where it was not installed.
    package static let folder: URL? = {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        return [
            program.appendingPathComponent("orchestrion_MusicBox.resources/\(name)"),
            program.deletingLastPathComponent().appendingPathComponent("share/orchestrion/\(name)"),
        ].first { FileManager.default.fileExists(atPath: $0.appendingPathComponent("hparams.json").path) }
    }()

    /// The path of a model that a user named: a folder of that name wins over the one that ships.
    ///
    /// - Throws: `NotInstalled` for music-box when it is not where it should be.
    package static func path(of model: String) throws -> String {
        guard model == name, !FileManager.default.fileExists(atPath: model) else { return model }
        guard let folder else { throw NotInstalled() }
        return folder.path
    }

    package struct NotInstalled: Error, CustomStringConvertible {
        package var description: String {
            "the model music-box was not installed with this program; copy orchestrion_MusicBox.resources beside it, "
                + "or give a model's folder"
        }
    }
}
