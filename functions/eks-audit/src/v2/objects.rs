//! `requestObject` and `responseObject`: whole in `unmapped`, but for what is known of a pod's containers.
//!
//! Only `spec.containers` is looked for, which is where pods have them. The templates of workloads (a Deployment's
//! `spec.template.spec.containers`) stay in `unmapped`, as do `initContainers` and `ephemeralContainers`: AWS's
//! mapping names neither, a template runs nothing by itself, and the pods made from it have events of their own.

use shared::json::{Kind, Raw};
use shared::ocsf::{self, MAX_STRING};
use shared::rows::Rows;

use super::Mapping;
use super::leaves::ContainerLeaves;

/// Where an object stands in the record, and where its containers go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) object: &'static str,
    pub(super) containers: &'static str,
    pub(super) container: &'static str,
    pub(super) name: &'static str,
    pub(super) image: &'static str,
    pub(super) mounts: &'static str,
}

pub(super) const REQUEST: Place = Place {
    object: "requestObject",
    containers: "requestObject.spec.containers",
    container: "requestObject.spec.containers[]",
    name: "requestObject.spec.containers[].name",
    image: "requestObject.spec.containers[].image",
    mounts: "requestObject.spec.containers[].volumeMounts",
};

pub(super) const RESPONSE: Place = Place {
    object: "responseObject",
    containers: "responseObject.spec.containers",
    container: "responseObject.spec.containers[]",
    name: "responseObject.spec.containers[].name",
    image: "responseObject.spec.containers[].image",
    mounts: "responseObject.spec.containers[].volumeMounts",
};

impl Mapping {
    pub(super) fn object(
        &mut self,
        rows: &mut Rows,
        value: Option<Raw<'_>>,
        place: Place,
        leaves: ContainerLeaves,
    ) {
        let Some(value) = value else { return };
        let Some(containers) = self.unmapped.add_without(place.object, value, place.containers) else {
            return;
        };
        if containers.kind != Kind::Array {
            self.unmapped.add(place.containers, containers);
            return;
        }
        let (mut cursor, mut first) = (containers.cursor(), true);
        while let Ok(true) = cursor.next_element(&mut first) {
            let Ok(container) = cursor.value() else { break };
            if container.kind == Kind::Object {
                self.container(rows, container, place, leaves);
            } else {
                self.unmapped.add(place.container, container);
            }
        }
    }

    fn container(&mut self, rows: &mut Rows, container: Raw<'_>, place: Place, leaves: ContainerLeaves) {
        let (mut name, mut image, mut mounts) = (None, None, None);
        let (mut cursor, mut first) = (container.cursor(), true);
        while let Ok(Some(member)) = cursor.next_member(&mut first) {
            let Ok(value) = cursor.value() else { break };
            let place_of = match member.text {
                _ if !member.plain => None,
                "name" if value.is_scalar() => Some(&mut name),
                "image" if value.is_scalar() => Some(&mut image),
                "volumeMounts" if value.kind == Kind::Array => Some(&mut mounts),
                _ => None,
            };
            match place_of {
                Some(known) if known.is_none() => *known = Some(value),
                _ => self.unmapped.add_member(place.container, member, value),
            }
        }
        if let Some(mounts) = mounts {
            self.unmapped.add(place.mounts, mounts);
        }
        let Some(name) = name else {
            // OCSF wants a container to have a name or an id.
            if let Some(image) = image {
                self.unmapped.add(place.image, image);
            }
            return;
        };
        rows.element(leaves.list);
        self.put(rows, leaves.name, place.name, Some(name));
        let Some(image) = image else { return };
        self.put(rows, leaves.image_name, place.image, Some(image));
        rows.text(leaves.image_uid, ocsf::bounded(image.as_text(&mut self.scratch).unwrap_or_default()));
        if let Some(mounts) = mounts {
            self.mount_paths(mounts);
            if !self.scratch.is_empty() && self.scratch.len() <= MAX_STRING {
                rows.text(leaves.image_path, &self.scratch);
            }
        }
    }

    /// The paths of a container's mounts, one behind the other as `unmapped` has the values of one path.
    fn mount_paths(&mut self, mounts: Raw<'_>) {
        self.scratch.clear();
        let (mut cursor, mut first) = (mounts.cursor(), true);
        while let Ok(true) = cursor.next_element(&mut first) {
            let Ok(mount) = cursor.value() else { break };
            if let Some(path) = mount.member("mountPath").and_then(|path| path.scalar()) {
                if !self.scratch.is_empty() {
                    self.scratch.push(',');
                }
                self.scratch.push_str(&path);
            }
        }
    }
}

/// `metadata.name` of an object.
pub(super) fn name_of(object: Option<Raw<'_>>) -> Option<Raw<'_>> {
    member(member(object?, "metadata")?, "name").filter(|name| name.is_scalar() && !name.text.is_empty())
}

/// The first member of that name. What is behind it is not looked at, which may be long.
fn member<'a>(object: Raw<'a>, wanted: &str) -> Option<Raw<'a>> {
    if object.kind != Kind::Object {
        return None;
    }
    let (mut cursor, mut first) = (object.cursor(), true);
    while let Ok(Some(name)) = cursor.next_member(&mut first) {
        let value = cursor.value().ok()?;
        if name.is(wanted) {
            return Some(value);
        }
    }
    None
}
