import Checkpoint
import Foundation
import SongFiles
import SongPlan
import SystemErrors

/// Makes the songs that a branch comes from, root first, so that the branch can be made where its parent is not.
struct AncestryMaker {
    /// For what is kept of each.
    let folder: URL
    /// Of an ancestor by its number, where the branch is to name it; nil leaves the names that there are.
    var id: ((Int) -> String)?
    /// Has a song made, and says where its finished folder is. The number counts ancestors.
    let make: (SongRequest, Int) throws -> SongFolderLayout

    /// The branch itself, with the file of codes that it keeps; any other request as it is.
    ///
    /// - Throws: `SongError` when an ancestor comes out otherwise than it was.
    func completed(_ request: SongRequest) throws -> SongRequest {
        guard let ancestry = request.specification.ancestry else { return request }
        let steps = try Ancestry.steps(to: request.specification)
        var codes: String?
        for (number, step) in steps.enumerated() {
            var made = SongRequest(specification: step, format: "wav")
            if let codes { made.specification.codes = codes }
            if number > 0, let id { made.specification.parent?.song = id(number - 1) }
            guard number < steps.count - 1 else {
                // In its own file it says what it said before.
                made.specification.parent?.samples = request.specification.parent?.samples ?? []
                made.format = request.format
                return made
            }
            Terminal.note("Song \(number + 1) of \(steps.count): \(step.parent?.operation.rawValue ?? "the first one")")
            let layout = try make(made, number)
            // A step has nothing but what is kept of it, and so have its ancestors, for it to fit them.
            let isLast = number == steps.count - 2
            codes = try keep(
                of: layout, for: steps[number + 1], ancestry: isLast ? ancestry : Array(steps[...number]), number)
        }
        return request
    }

    /// Writes what a branch keeps of a song.
    private func keep(
        of layout: SongFolderLayout, for step: SongSpecification, ancestry: [SongSpecification], _ number: Int
    ) throws -> String {
        guard let origin = step.parent else { throw SongError("the song does not say what it keeps of its parent") }
        let kept = try origin.keep(of: CodesFile.read(layout.codes.path), samples: step.samples.count)
        let place = folder.appendingPathComponent("kept-\(number)")
        try OutputFolder.make(place.path)
        let path = place.appendingPathComponent("kept.safetensors").path
        try Ancestry.write(kept, ancestry, to: path)
        return path
    }
}
